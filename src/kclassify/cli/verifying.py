"""Checks a run against the ten invariants: `kclassify audit --verify`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import typer

from kclassify.cli.ledger_access import ledger_reader
from kclassify.cli.plain_progress import INTERVAL_S
from kclassify.cli.wording import plural
from kclassify.config import Settings
from kclassify.core.finding import Verification
from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import UsageError
from kclassify.store import verify
from kclassify.wiring import classifier_of, open_stores

_OTHER = "the labels: the latest pass was made with another classifier than the settings give now"


def check(settings: Settings, *, quiet: bool) -> Verification:
    """What the settings' run left behind. Raises `UsageError` and `DatabaseError`."""
    with ledger_reader(settings) as reader:
        passes = reader.status(settings.run.name).passes
    taxonomy = _taxonomy(settings, passes[-1].fingerprint) if passes else None
    with open_stores(settings) as stores:
        found = verify(
            stores.ledger.database,
            settings.run.name,
            source=stores.source,
            taxonomy=taxonomy,
            max_attempts=settings.runner.max_attempts,
            tell=_silent if quiet else Told(_line),
        )
    return found if taxonomy is not None or not passes else _explained(found)


def _taxonomy(settings: Settings, fingerprint: str) -> Taxonomy[str] | None:
    """That of the latest pass, None when the settings have changed since."""
    try:
        classifier = classifier_of(settings, None)
    except UsageError:
        return None
    return classifier.taxonomy if classifier.fingerprint == fingerprint else None


def _explained(found: Verification) -> Verification:
    rest = [line for line in found.unchecked if not line.startswith("the labels:")]
    return replace(found, unchecked=(*rest, _OTHER))


class Told:
    """A line every ten seconds."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write, clock
        self._next = clock() + INTERVAL_S

    def __call__(self, rows: int) -> None:
        """Write a line when it is time."""
        if self._clock() >= self._next:
            self._next = self._clock() + INTERVAL_S
            self._write(f"{plural(rows, 'row')} of table and ledger looked at")


def _line(text: str) -> None:
    typer.echo(text, err=True)


def _silent(_: int) -> None:
    """Nobody is told."""
