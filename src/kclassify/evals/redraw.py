"""What becomes of a sample that is there: it grows or is put aside, and no label is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kclassify.errors import UsageError
from kclassify.evals.labelled import Frame, LabelledItem
from kclassify.evals.population import Population

WAYS_OUT = (
    "choose another --output, or put it aside with --force, and what is drawn again keeps its "
    "labels"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Rows that are there, what complaints call them, and what is to be drawn to them."""

    existing: Sequence[LabelledItem]
    name: str
    frame: Frame
    seed: int

    def check(
        self, sizes: Mapping[str, int], population: Population, *, is_stratified: bool
    ) -> None:
        """Raise `UsageError` where the rows are no sample of what is drawn from."""
        if not self.existing:
            if self.frame is Frame.TOP_UP:
                raise UsageError(
                    "a top-up adds to a sample of the frame writes, and there is none yet: draw it "
                    "with --frame writes, or name the one to add to with --output"
                )
            return
        self._check_frame(is_stratified=is_stratified)
        self._check_seed()
        if {row.fingerprint for row in self.existing} != {population.fingerprint}:
            raise UsageError(
                f"{self.name} was not drawn from the verdicts of this classifier: {WAYS_OUT}"
            )
        if not population.grows:
            self._check_sizes(sizes, population)

    def _check_frame(self, *, is_stratified: bool) -> None:
        there = {row.frame for row in self.existing}
        if self.frame is Frame.TOP_UP:
            if not there <= {Frame.WRITES, Frame.TOP_UP}:
                raise UsageError(
                    f"a top-up adds to a sample of the frame writes, and {self.name} is uniform: "
                    f"{WAYS_OUT}"
                )
            return
        if Frame.TOP_UP in there:
            raise UsageError(
                f"{self.name} was topped up, so it cannot grow in proportion any more: add to it "
                f"with --frame top-up --per-category, {WAYS_OUT}"
            )
        was_stratified = any(row.stratum is not None for row in self.existing)
        if there != {self.frame} or was_stratified is not is_stratified:
            kind = " and ".join(sorted(each.value for each in there))
            raise UsageError(
                f"{self.name} is of the frame {kind}{', stratified' if was_stratified else ''}: "
                f"draw the same, {WAYS_OUT}"
            )

    def _check_seed(self) -> None:
        """A mixture of two seeds is a random sample, but no command draws it again."""
        others = {row.seed for row in self.existing} - {None, self.seed}
        if others:
            drawn = " and ".join(f"--seed {seed}" for seed in sorted(map(str, others)))
            raise UsageError(
                f"{self.name} was drawn with {drawn}, and --seed {self.seed} draws other rows: "
                f"give the same seed, {WAYS_OUT}"
            )

    def _check_sizes(self, sizes: Mapping[str, int], population: Population) -> None:
        before = {row.stratum: row.stratum_N for row in self.existing}
        now = {name: sum(sizes.values()) if name is None else sizes.get(name) for name in before}
        if before != now:
            one = next(name for name in before if before[name] != now[name])
            raise UsageError(
                f"{self.name} was drawn from {_rows(before[one], one)}, and now there are "
                f"{now[one] or 'none'} among the {population.name}: draw from the same pass with "
                f"the same --min-confidence, {WAYS_OUT}"
            )


def _rows(count: int | None, stratum: str | None) -> str:
    counted = "an unknown number of rows" if count is None else f"{count} rows"
    return counted if stratum is None else f"{counted} of {stratum!r}"


def with_labels(
    rows: Sequence[LabelledItem], earlier: Sequence[LabelledItem]
) -> tuple[LabelledItem, ...]:
    """The rows with the labels that the same texts have in an earlier sample, and their splits.

    What somebody may have looked at stays where it was: no row of dev becomes a sealed one.
    """
    known = {row.item.digest: row for row in earlier if row.votes or row.gold is not None}
    return tuple(
        row
        if (old := known.get(row.item.digest)) is None
        else replace(_relabelled(row, old), split=old.split)
        for row in rows
    )


def labelled_meanwhile(
    rows: Sequence[LabelledItem],
    before: Sequence[LabelledItem],
    now: Sequence[LabelledItem],
    name: str = "the sample",
) -> tuple[LabelledItem, ...]:
    """The rows with the labels of `now`: people label while a sample is drawn.

    `before` is the file when the drawing began. Raises `UsageError` when its rows are others now.
    """
    if [row.id for row in before] != [row.id for row in now]:
        raise UsageError(
            f"other rows are in {name} now than when the drawing began: run the same command "
            "again, or choose another --output"
        )
    latest = {row.id: row for row in now}
    return tuple(
        row if (there := latest.get(row.id)) is None else _relabelled(row, there) for row in rows
    )


def _relabelled(row: LabelledItem, old: LabelledItem) -> LabelledItem:
    return replace(
        row, gold=old.gold, gold_by=old.gold_by, gold_status=old.gold_status, votes=old.votes
    )


def put_aside(path: Path) -> Path:
    """Rename the file to one that is not there yet, `sample.1.jsonl`; where it is now."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    return path.rename(aside)
