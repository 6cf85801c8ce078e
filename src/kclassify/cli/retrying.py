"""Asks again about items that failed: `kclassify retry`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import typer

from kclassify.cli.running import Order, Result, work_on
from kclassify.cli.wiring import classifier_of, open_stores
from kclassify.cli.wording import plural, shown
from kclassify.config import Settings
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import GateRefused
from kclassify.ports import Mode
from kclassify.store import forget_failures


@dataclass(frozen=True, slots=True)
class Choice:
    """Which failures: of these kinds, of these items; none named means all."""

    kinds: tuple[OutcomeKind, ...] = ()
    keys: tuple[str, ...] = ()


def carry_out_retry(settings: Settings, choice: Choice, order: Order) -> Result | None:
    """Forget the chosen failures, then start a new pass; None when nothing was to be retried.

    Raises `UsageError` and `DatabaseError`. Nothing is forgotten when there is no classifier to
    ask or no permission to write.
    """
    if order.mode is Mode.COMMIT and not (order.override and order.override.strip()):
        raise GateRefused('a retry that writes needs --override "reason", as commit does')
    classifier = classifier_of(settings, order.model)
    with open_stores(settings) as stores:
        count = forget_failures(
            stores.ledger.database,
            settings.run.name,
            choice.kinds or None,
            choice.keys or None,
        )
        if not count:
            typer.echo("kclassify: there is nothing to retry", err=True)
            return None
        run = shown(settings.run.name)
        typer.echo(f"kclassify: asking again about {plural(count, 'item')} of {run!r}", err=True)
        return replace(work_on(settings, stores, classifier, order), retried=count)
