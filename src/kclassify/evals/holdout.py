"""Which rows are scored, and the looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.evaluation import Looks
from kclassify.core.item import digest_of
from kclassify.errors import UsageError
from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.project import reader_of
from kclassify.evals.sample import Sample
from kclassify.store import SqlLedger

ALL = "all"
_UNDER_WAY = "under way"
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """The labelled rows that are scored, and the name of their split: `all`, `dev`, `holdout`."""

    rows: Sequence[LabelledItem]
    split: str

    @property
    def is_dev(self) -> bool:
        """Whether they are what people choose by, and so open no commit."""
        return self.split == Split.DEV

    @property
    def digest(self) -> str:
        """SHA-256 of the texts: a label that is mended does not make them unseen."""
        return digest_of(*sorted(row.item.digest for row in self.rows))

    @property
    def is_sealed(self) -> bool:
        """Whether they are the sealed holdout."""
        return self.split == Split.HOLDOUT


def choose_rows(sample: Sample, *, holdout: bool) -> Scored:
    """The sealed holdout, or else everything that is not in it. Raises `UsageError`."""
    if not sample.splits:
        if holdout:
            raise UsageError(
                f"{sample.path}: it has no holdout: draw one with `kclassify sample --holdout 0.5`"
            )
        return Scored(sample.labelled, ALL)
    split = Split.HOLDOUT if holdout else Split.DEV
    rows = sample.split(split)
    if len(rows) < _FEWEST:
        raise UsageError(
            f"{sample.path}: {len(rows)} of its labelled rows are in the split {split.value!r}: "
            "label more of them"
        )
    return Scored(rows, split.value)


@dataclass(frozen=True, slots=True)
class LookCount:
    """Counts the looks of one classifier at one sample, in the ledger if there is one.

    `budget` is how often a sealed holdout may be looked at.
    """

    ledger: SqlLedger | None
    sample: str
    fingerprint: str
    budget: int
    sealed: bool

    def require(self) -> None:
        """Raise `UsageError` when the budget is spent, or cannot be kept."""
        if not self.sealed:
            return
        if self.ledger is None:
            raise UsageError(
                "the looks at a sealed holdout are counted in the ledger, and there is none: give "
                "the suite one as [run] ledger, or name the settings with --config"
            )
        before = self._sealed_looks(self.ledger)
        if self.fingerprint not in before and len(before) >= self.budget:
            times = f"{len(before)} classifiers were" if len(before) > 1 else "one classifier was"
            raise UsageError(
                f"{times} scored on this holdout, as often as [gate] holdout_looks = {self.budget} "
                "allows: it is no holdout any more; draw a new sample with `kclassify sample`"
            )

    def take(self, now: float) -> Looks:
        """Count this look; the number that it has. `now` is Unix time in seconds."""
        if self.ledger is None:
            return Looks(number=1, budget=None, sealed=False)
        number = self._record(self.ledger, now, _UNDER_WAY)
        if not self.sealed:
            return Looks(number=number, budget=None, sealed=False)
        number = 1 + self._sealed_looks(self.ledger).index(self.fingerprint)
        return Looks(number=number, budget=self.budget, sealed=True)

    def conclude(self, now: float, verdict: str) -> None:
        """Note what the evaluation said."""
        if self.ledger is not None:
            self._record(self.ledger, now, verdict)

    def _record(self, ledger: SqlLedger, now: float, verdict: str) -> int:
        return ledger.look(self.sample, self.fingerprint, now, sealed=self.sealed, verdict=verdict)

    def _sealed_looks(self, ledger: SqlLedger) -> list[str]:
        looks = reader_of(ledger).looks(self.sample)
        return [look.fingerprint for look in looks if look.sealed]
