"""A line of `sample.jsonl`: an item, the label that people gave it, and how it was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kclassify.core.item import Item
from kclassify.core.verdict import Outcome


class GoldStatus(StrEnum):
    """How the gold label came about."""

    SINGLE = "single"
    AGREED = "agreed"
    ADJUDICATED = "adjudicated"


class Frame(StrEnum):
    """What a row was drawn from.

    `writes`: the changes that a dry run proposes, in proportion. `top-up`: more of them for the
    categories that have too few. `uniform`: all items.
    """

    WRITES = "writes"
    UNIFORM = "uniform"
    TOP_UP = "top-up"


class Split(StrEnum):
    """What a row may be used for: `dev` to choose by, `holdout` to be looked at once."""

    DEV = "dev"
    HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItem:
    """One row. `gold` is None as long as nobody labelled it.

    `stratum_N` rows of the corpus are in its stratum and `stratum_n` of them were drawn; `weight`
    is how many rows of the corpus it stands for, 1 throughout in a sample without weights.
    `verdict_digest` is that of the verdict which the dry run held when it was drawn, `fingerprint`
    that of the classifier that gave it. It was drawn with `seed`, and into a sample of which the
    share `holdout` is kept apart; None where that is not known. `votes` maps annotators to the
    label that each gave; `gold` is what they come to.
    """

    id: str
    body: str
    title: str | None = None
    current: str | None = None
    gold: str | None = None
    gold_by: tuple[str, ...] = ()
    gold_status: GoldStatus | None = None
    stratum: str | None = None
    stratum_N: int | None = None  # noqa: N815 - the file's own name for it
    stratum_n: int | None = None
    weight: float | None = None
    frame: Frame = Frame.UNIFORM
    split: Split | None = None
    cluster_id: str | None = None
    item_digest: str = ""
    verdict_digest: str | None = None
    fingerprint: str | None = None
    seed: int | None = None
    holdout: float | None = None
    votes: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def item(self) -> Item:
        """The row as an item to classify."""
        return Item(key=self.id, body=self.body, title=self.title, current=self.current)


@dataclass(frozen=True, slots=True)
class Answered:
    """A labelled row and what a classifier, or anything else, said of it."""

    row: LabelledItem
    outcome: Outcome[str]

    @property
    def label(self) -> str | None:
        """What it said, None when it said nothing."""
        verdict = self.outcome.verdict
        return None if verdict is None else str(verdict.label)

    @property
    def confidence(self) -> float:
        """How sure it was; 0 when it said nothing."""
        verdict = self.outcome.verdict
        return 0.0 if verdict is None else verdict.confidence

    @property
    def is_right(self) -> bool:
        """Whether it said the gold label."""
        return self.label is not None and self.label == self.row.gold

    @property
    def is_proposal(self) -> bool:
        """Whether it differs from the label that the row carries now."""
        return self.label is not None and self.label != self.row.current
