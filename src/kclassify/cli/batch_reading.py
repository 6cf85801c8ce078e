"""Reads the batches of a run at once, or gives them up: `kclassify batches --read`, `--forget`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

import anyio

from kclassify.cli.batch_course import batch_line, many
from kclassify.cli.ledger_access import ledger_reader
from kclassify.cli.output import say, warn
from kclassify.cli.wording import shown, verb
from kclassify.config import Settings
from kclassify.core.batch import BatchStatus
from kclassify.core.dollars import dollars
from kclassify.events import BatchChanged, Event, Warned
from kclassify.runner import ReclassifyRunner
from kclassify.store.giving_up import give_up_batches
from kclassify.wiring import classifier_of, make_runner, open_stores


@dataclass(slots=True)
class _Heard:
    """Says what is read, unless it is to be `quiet`, and keeps what cannot be."""

    quiet: bool
    problems: list[str] = field(default_factory=list[str])

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.problem(event.message)
        elif isinstance(event, BatchChanged) and event.status is BatchStatus.READ:
            self._say(event)

    def problem(self, message: str) -> None:
        self.problems.append(message)
        warn(shown(message))

    def _say(self, event: BatchChanged) -> None:
        if not self.quiet:
            say(f"{shown(batch_line(event))}, {dollars(event.charge.cost)}")


def read_all(settings: Settings, *, quiet: bool) -> bool:
    """Read what has ended; whether the provider told of all. Raises `UsageError`."""
    alone = settings.model_copy(update={"cascade": None})
    heard, classifier = _Heard(quiet), classifier_of(alone, None)
    with open_stores(alone) as stores, closing(stores.source):
        problem = anyio.run(_read, make_runner(alone, stores, classifier, heard))
    if problem is not None:
        heard.problem(problem)
    return not heard.problems


async def _read(runner: ReclassifyRunner) -> str | None:
    try:
        return await runner.read_batches()
    finally:
        with anyio.CancelScope(shield=True):
            await runner.classifier.aclose()


def forget_all(settings: Settings, *, quiet: bool) -> None:
    """Give up all that are not over. Raises `UsageError`, for a run that a worker holds, too."""
    with ledger_reader(settings) as reader:
        count, uncertain = give_up_batches(reader.database, settings.run.name)
    if count and not quiet:
        may_be = f"{dollars(uncertain)} may be on the bill" if uncertain else "no price is known"
        is_given_up = verb(count, "is given up", "are given up")
        say(f"{many(count)} {is_given_up}, what is not answered is asked again: {may_be}")
