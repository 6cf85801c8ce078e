"""Which rows are scored, and the looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.evaluation import Looks
from kclassify.errors import UsageError
from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.project import reader_of
from kclassify.evals.sample import Sample
from kclassify.store import SqlLedger

ALL = "all"
_UNDER_WAY = "under way"
_FEWEST = 2
_KEPT_UNDER = 8


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
    def digests(self) -> Sequence[str]:
        """What was looked at: the texts, sorted by digest. Their labels are no part of it."""
        return sorted({row.item.digest for row in self.rows})

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
    """Counts the looks of classifiers at these texts, in the ledger if there is one.

    A look is kept under a few texts and found by any of them, so that a sample that grew, or
    whose labels were mended, is no unseen one. `budget` is how often a sealed holdout may be looked
    at.
    """

    ledger: SqlLedger | None
    texts: Sequence[str]
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
        before = self._looks(self.ledger)
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
        self._record(self.ledger, now, _UNDER_WAY)
        number = 1 + self._looks(self.ledger).index(self.fingerprint)
        return Looks(number=number, budget=self.budget if self.sealed else None, sealed=self.sealed)

    def conclude(self, now: float, verdict: str) -> None:
        """Note what the evaluation said."""
        if self.ledger is not None:
            self._record(self.ledger, now, verdict)

    def _record(self, ledger: SqlLedger, now: float, verdict: str) -> None:
        for text in self.texts[:_KEPT_UNDER]:
            ledger.look(text, self.fingerprint, now, sealed=self.sealed, verdict=verdict)

    def _looks(self, ledger: SqlLedger) -> list[str]:
        """The classifiers that were scored on any of these texts, in order."""
        looks = reader_of(ledger).looks(*self.texts)
        is_counted = (look for look in looks if look.sealed or not self.sealed)
        return list(dict.fromkeys(look.fingerprint for look in is_counted))
