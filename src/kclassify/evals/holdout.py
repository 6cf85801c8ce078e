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

    def look_of(self, fingerprint: str, *demands: str) -> str:
        """What tells a look of this classifier at these rows, with these labels, from others.

        `demands` are what it is held to: whoever changes them has looked.
        """
        held = sorted(f"{row.item.digest}:{row.gold}" for row in self.rows)
        return digest_of(fingerprint, *demands, *held)

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
    """Counts the looks at these texts, in the ledger if there is one.

    `look` is a digest of the classifier and of the labels that it is held against: either of them
    changed is another look.

    A look is kept under a few texts and found by any of them, so that a sample that grew, or
    whose labels were mended, is no unseen one. `budget` is how often a sealed holdout may be looked
    at.
    """

    ledger: SqlLedger | None
    texts: Sequence[str]
    look: str
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
        if self.look not in before and len(before) >= self.budget:
            raise self._spent(len(before))

    def take(self, now: float) -> Looks:
        """Count this look; the number that it has. `now` is Unix time in seconds."""
        if self.ledger is None:
            return Looks(number=1, budget=None, sealed=False)
        self._record(self.ledger, now, _UNDER_WAY)
        number = 1 + self._looks(self.ledger).index(self.look)
        if self.sealed and number > self.budget:  # somebody else was quicker
            raise self._spent(number - 1)
        return Looks(number=number, budget=self.budget if self.sealed else None, sealed=self.sealed)

    def conclude(self, now: float, verdict: str) -> None:
        """Note what the evaluation said."""
        if self.ledger is not None:
            self._record(self.ledger, now, verdict)

    def _record(self, ledger: SqlLedger, now: float, verdict: str) -> None:
        for text in self.texts[:_KEPT_UNDER]:
            ledger.look(text, self.look, now, sealed=self.sealed, verdict=verdict)

    def _looks(self, ledger: SqlLedger) -> list[str]:
        """The looks at any of these texts, in order, those before a holdout was sealed too."""
        found = reader_of(ledger).looks(*self.texts)
        return list(dict.fromkeys(each.fingerprint for each in found))

    def _spent(self, looks: int) -> UsageError:
        times = "once" if looks == 1 else f"{looks} times"
        return UsageError(
            f"rows of this holdout were looked at {times}, as often as [gate] holdout_looks = "
            f"{self.budget} allows: it is no holdout any more; draw a new sample with `kclassify "
            "sample`"
        )
