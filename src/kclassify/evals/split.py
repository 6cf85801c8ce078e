"""Which rows are kept apart as a holdout: whole clusters, by a hash of the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kclassify.core.item import digest_of
from kclassify.errors import UsageError
from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.near_duplicates import joined, near_pairs


def split(rows: Sequence[LabelledItem], holdout: float, seed: int) -> tuple[LabelledItem, ...]:
    """The rows with a split each, about a share of `holdout` of them apart.

    Texts that are nearly the same share a `cluster_id` and a split; a row that has a split keeps
    it. Raises `UsageError` for a share that is none, and for labelled rows without a split.
    """
    if not 0 < holdout < 1:
        raise UsageError(f"--holdout is a share between 0 and 1, not {holdout:g}")
    _refuse_labelled(rows)
    placed = list(rows)
    for places in _clusters(rows):
        members = [rows[place] for place in places]
        name = next((row.cluster_id for row in members if row.cluster_id), None)
        name = name or (f"near {members[0].id}" if len(members) > 1 else None)
        side = next((row.split for row in members if row.split), None)
        side = side or _side(name or members[0].id, holdout, seed)
        for place in places:
            placed[place] = replace(rows[place], cluster_id=name, split=rows[place].split or side)
    return tuple(placed)


def _refuse_labelled(rows: Sequence[LabelledItem]) -> None:
    seen = [row.id for row in rows if row.split is None and (row.votes or row.gold is not None)]
    if seen:
        raise UsageError(
            f"row {seen[0]!r} was labelled, and perhaps looked at, before there was a holdout "
            f"({len(seen)} such rows): a holdout is drawn before anybody looks, so draw a new "
            "sample with --holdout and another --output"
        )


def _side(name: str, holdout: float, seed: int) -> Split:
    drawn = int(digest_of("split", str(seed), name), 16) / 2**256
    return Split.HOLDOUT if drawn < holdout else Split.DEV


def _clusters(rows: Sequence[LabelledItem]) -> list[list[int]]:
    """The places of the rows that belong together: by their texts, or by a `cluster_id`."""
    near = near_pairs([f"{row.title or ''}\n{row.body}" for row in rows])
    pairs = [(pair.first, pair.second) for pair in near]
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        if row.cluster_id is not None:
            pairs.append((first.setdefault(row.cluster_id, place), place))
    return joined(len(rows), pairs)
