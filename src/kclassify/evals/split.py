"""Which rows are kept apart as a holdout: whole clusters, by a hash of the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kclassify.core.item import digest_of
from kclassify.errors import UsageError
from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.near_duplicates import joined, near_pairs
from kclassify.evals.redraw import WAYS_OUT


def split(
    rows: Sequence[LabelledItem],
    holdout: float,
    seed: int,
    name: str = "the sample that is there",
) -> tuple[LabelledItem, ...]:
    """The rows with a split each, about a share of `holdout` of them apart.

    Texts that are nearly the same share a `cluster_id` and a split; a row that has a split keeps
    it. Raises `UsageError` for a share that is none or another one than the rows were split with,
    and for labelled rows without a split; it calls the rows by their `name`.
    """
    if not 0 < holdout < 1:
        raise UsageError(f"--holdout is a share between 0 and 1, not {holdout:g}")
    _refuse_another_share(rows, holdout, name)
    _refuse_labelled(rows, name)
    placed = list(rows)
    for places in _clusters(rows):
        members = [rows[place] for place in places]
        cluster = next((row.cluster_id for row in members if row.cluster_id), None)
        cluster = cluster or (f"near {members[0].id}" if len(members) > 1 else None)
        side = next((row.split for row in members if row.split), None)
        side = side or _side(cluster or members[0].id, holdout, seed)
        for place in places:
            placed[place] = replace(
                rows[place],
                cluster_id=cluster,
                split=rows[place].split or side,
                holdout=holdout,
            )
    return tuple(placed)


def _refuse_another_share(rows: Sequence[LabelledItem], holdout: float, name: str) -> None:
    others = sorted({row.holdout for row in rows if row.holdout is not None} - {holdout})
    if others:
        drawn = " and ".join(f"--holdout {share:g}" for share in others)
        raise UsageError(
            f"{name} was drawn with {drawn}, so it has no holdout of {holdout:g}: give the same "
            f"share, {WAYS_OUT}"
        )


def _refuse_labelled(rows: Sequence[LabelledItem], name: str) -> None:
    seen = [row.id for row in rows if row.split is None and (row.votes or row.gold is not None)]
    if seen:
        raise UsageError(
            f"row {seen[0]!r} of {name} was labelled, and perhaps looked at, before there was a "
            f"holdout ({len(seen)} such rows): a holdout is drawn before anybody looks, so draw a "
            "new sample with --holdout and another --output"
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
