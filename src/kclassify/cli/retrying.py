"""Asks again about items that failed: `kclassify retry`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import typer

from kclassify.cli.running import Order, Result, work_on
from kclassify.cli.wiring import classifier_of, open_stores, reader_of
from kclassify.cli.wording import plural, shown
from kclassify.config import Settings
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import GateRefused, UsageError
from kclassify.ports import Classifier, Mode
from kclassify.store import PassReport, forget_failures
from kclassify.store.states import RESUMABLE, PassStatus


@dataclass(frozen=True, slots=True)
class Choice:
    """Which failures: of these kinds, of these items; none named means all."""

    kinds: tuple[OutcomeKind, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """There was nothing to retry, and why."""

    reason: str


def carry_out_retry(settings: Settings, choice: Choice, order: Order) -> Result | Nothing:
    """Forget the chosen failures, then start a new pass.

    Raises `UsageError` and `DatabaseError`. Nothing is forgotten when there is no classifier to
    ask, no permission to write, or when the new pass would ask about more than those failures.
    """
    if order.mode is Mode.COMMIT and not (order.override and order.override.strip()):
        raise GateRefused('a retry that writes needs --override "reason", as commit does')
    classifier = classifier_of(settings, order.model)
    run = settings.run.name
    with open_stores(settings) as stores:
        passes = reader_of(stores).status(run).passes
        finished = [each for each in passes if each.status is PassStatus.DONE]
        if not finished:
            return Nothing(f"no pass of run {shown(run)!r} is finished yet")
        _refuse_another_question(run, finished[-1], classifier)
        _refuse_unfinished(run, passes, classifier, order.mode)
        database = stores.ledger.database
        count = forget_failures(database, run, choice.kinds or None, choice.keys or None)
        if not count:
            return Nothing(_without_failures(run, finished[-1], choice))
        told = f"asking again about {plural(count, 'item')} of {shown(run)!r}"
        typer.echo(f"kclassify: {told}", err=True)
        return replace(work_on(settings, stores, classifier, order), retried=count)


def _refuse_another_question(run: str, last: PassReport, classifier: Classifier[str]) -> None:
    """With another fingerprint nothing is recalled: every item would be asked about."""
    if last.fingerprint == classifier.fingerprint:
        return
    if last.model != classifier.model:
        difference = f"was classified by {last.model}, and the model is {classifier.model} now"
        way_out = f"give --model {last.model}"
    else:
        difference = f"is older than a change of the {_question(classifier.model)}"
        way_out = "undo that change"
    raise UsageError(
        f"retry would ask about every item again, since pass {last.number} of run {shown(run)!r} "
        f"{difference}: {way_out}, or start anew with `kclassify dry-run`"
    )


def _question(model: str) -> str:
    return "taxonomy or the examples" if model == "local" else "taxonomy or prompt"


def _refuse_unfinished(
    run: str, passes: Sequence[PassReport], classifier: Classifier[str], mode: Mode
) -> None:
    """A retry would go on with such a pass, and not look at the rows behind its cursor."""
    for each in passes:
        is_open = each.mode is mode and each.status in RESUMABLE
        if is_open and each.fingerprint == classifier.fingerprint:
            raise UsageError(
                f"pass {each.number} of run {shown(run)!r} is not finished: `kclassify "
                f"{mode.value}` goes on with it; retry after that"
            )


def _without_failures(run: str, last: PassReport, choice: Choice) -> str:
    failed = {kind for kind in last.outcomes if kind.is_failure}
    if failed == {OutcomeKind.EMPTY} and not choice.kinds:
        return f"the only failures of run {shown(run)!r} are empty bodies, and no call is for those"
    kinds = f" of kind {', '.join(choice.kinds)}" if choice.kinds else ""
    return f"run {shown(run)!r} has no failure{kinds} that was not forgotten already"
