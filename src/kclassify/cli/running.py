"""Works on a pass: `dry-run`, `commit` and `retry`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import anyio

from kclassify.cli.course import Course
from kclassify.cli.progress import showing
from kclassify.cli.wording import RESUMABLE
from kclassify.config import Settings
from kclassify.core.decision import Decision
from kclassify.errors import DatabaseError
from kclassify.ports import Classifier, Mode
from kclassify.runner import ReclassifyRunner, stop_on_signals
from kclassify.store import PassReport
from kclassify.wiring import Stores, classifier_of, make_runner, open_stores, reader_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done. `model` is the one asked for; `override` the reason to write ungated."""

    mode: Mode
    once: bool = False
    model: str | None = None
    override: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended: the decision, the course of this call, and the pass as the ledger has it.

    `retried` counts the failures that were forgotten for it, None when it was no retry.
    """

    decision: Decision
    course: Course
    report: PassReport | None
    retried: int | None = None


def carry_out(settings: Settings, order: Order) -> Result:
    """Work until there is a decision.

    Raises `UsageError`, `DatabaseError`, and `KeyboardInterrupt` after a second signal.
    """
    classifier = classifier_of(settings, order.model)
    with open_stores(settings) as stores:
        return work_on(settings, stores, classifier, order)


def work_on(
    settings: Settings, stores: Stores, classifier: Classifier[str], order: Order
) -> Result:
    """The same over parts that are open already."""
    course = Course()
    with _resumable(course):
        with closing(stores.source), showing(course, quiet=order.quiet) as listener:
            runner = make_runner(settings, stores, classifier, listener)
            decision = anyio.run(_drive, runner, order)
        return Result(decision, course, _latest(stores, settings.run.name))


def check_gate(
    settings: Settings, stores: Stores, classifier: Classifier[str], order: Order
) -> None:
    """Raise `GateRefused` where a commit would write nothing, before anything is done."""
    runner = make_runner(settings, stores, classifier, lambda _: None)

    async def check() -> None:
        await runner.check_canary(await runner.check_gate(order.override))

    anyio.run(check)


@contextmanager
def _resumable(course: Course) -> Generator[None]:
    """Whoever lost a database in the midst of a run is told that nothing else is lost."""
    try:
        yield
    except DatabaseError as error:
        if course.run:  # a pass was opened
            error.add_note(RESUMABLE)
        raise


async def _drive(runner: ReclassifyRunner, order: Order) -> Decision:
    decisions: list[Decision] = []  # empty after a second signal, which cancels
    try:
        async with stop_on_signals(runner):
            decisions.append(await _ask(runner, order))
    finally:
        with anyio.CancelScope(shield=True):
            await runner.classifier.aclose()
    if not decisions:
        raise KeyboardInterrupt
    return decisions[0]


async def _ask(runner: ReclassifyRunner, order: Order) -> Decision:
    if order.once:
        return await runner.step(mode=order.mode, override=order.override)
    if order.mode is Mode.COMMIT:
        return await runner.commit(override=order.override)
    return await runner.dry_run()


def _latest(stores: Stores, run: str) -> PassReport | None:
    passes = reader_of(stores).status(run).passes
    return passes[-1] if passes else None
