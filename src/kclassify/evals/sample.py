"""A labelled sample: read, checked, and taken apart by what it may be used for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.sample_checks import check
from kclassify.evals.sample_file import read_sealed


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as its file has it. `digest` is the file's, `warnings` what was found and let pass.

    `rows` are all of them, in the order of the file, those without a label included.
    """

    path: Path
    digest: str
    rows: tuple[LabelledItem, ...]
    warnings: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[LabelledItem, ...]:
        """The rows with a label, each standing for the rest of its stratum too."""
        return reweighted([row for row in self.rows if row.gold is not None])

    @property
    def unlabelled(self) -> int:
        """How many rows nobody labelled yet."""
        return sum(row.gold is None for row in self.rows)

    @property
    def splits(self) -> frozenset[Split]:
        """The splits that its rows are in; none for a sample that was not split."""
        return frozenset(row.split for row in self.rows if row.split is not None)

    def split(self, split: Split | None) -> tuple[LabelledItem, ...]:
        """The labelled rows of one split, each standing for the rest of it; of all for None."""
        return reweighted([row for row in self.labelled if split is None or row.split is split])


def reweighted(rows: Sequence[LabelledItem]) -> tuple[LabelledItem, ...]:
    """The rows with the weights that they have without the others of their strata.

    A stratum whose rows are half labelled would count for half of what it is otherwise. Rows of
    which it is not known what they stand for keep their weights.
    """
    there = Counter(row.stratum for row in rows)
    return tuple(
        row
        if row.stratum_N is None
        else replace(
            row,
            stratum_n=there[row.stratum],
            weight=max(row.stratum_N, there[row.stratum]) / there[row.stratum],
        )
        for row in rows
    )


def load_sample(path: Path, taxonomy_known: Collection[str], active: Collection[str]) -> Sample:
    """The sample in a file of JSON Lines.

    `taxonomy_known` are the labels that may be read, `active` those of them that may be given.
    Raises `SourceError`, which names the row and the way out, for a sample that would mislead.
    """
    rows, digest = read_sealed(path)
    warnings = check(path, rows, taxonomy_known, active)
    return Sample(path, digest, rows, warnings)
