"""Asks again about items that failed: `kclassify retry`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import typer

from kclassify.cli.running import Order, Result, check_gate, work_on
from kclassify.cli.wording import plural, shown
from kclassify.config import Settings
from kclassify.core.states import RESUMABLE
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import UsageError
from kclassify.ports import Classifier, Mode
from kclassify.store import PassReport, forget_failures
from kclassify.wiring import classifier_of, open_stores, reader_of


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
    """Forget the chosen failures, then start a new pass: one that is unfinished is abandoned.

    Raises `UsageError` and `DatabaseError`. Nothing is forgotten when there is no classifier to
    ask, no permission to write, or when the new pass would ask about more than those failures.
    """
    classifier = classifier_of(settings, order.model)
    run = settings.run.name
    with open_stores(settings) as stores:
        passes = reader_of(stores).status(run).passes
        settled = [each for each in passes if each.settled]
        if not settled:
            return Nothing(f"no pass of run {shown(run)!r} has settled any item yet")
        _refuse_another_question(run, settled[-1], classifier)
        if order.mode is Mode.COMMIT:
            check_gate(settings, stores, classifier, order)
        database, kinds, keys = stores.ledger.database, choice.kinds or None, choice.keys or None
        count = forget_failures(database, run, kinds, keys, mode=order.mode)
        if not count:
            reason = _without_failures(run, settled[-1], choice)
            return Nothing(reason + _unfinished(passes, order.mode))
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


def _without_failures(run: str, last: PassReport, choice: Choice) -> str:
    failed = {kind for kind in last.outcomes if kind.is_failure}
    if failed == {OutcomeKind.EMPTY} and not choice.kinds:
        return f"the only failures of run {shown(run)!r} are empty bodies, and no call is for those"
    kinds = f" of kind {', '.join(choice.kinds)}" if choice.kinds else ""
    return f"run {shown(run)!r} has no failure{kinds} that was not forgotten already"


def _unfinished(passes: Sequence[PassReport], mode: Mode) -> str:
    """A retry that was stopped has forgotten its failures already."""
    last = next((each for each in reversed(passes) if each.mode is mode), None)
    if last is None or last.status not in RESUMABLE:
        return ""
    return f"; pass {last.number} is not finished: `kclassify {mode.value}` goes on with it"
