"""What several people said of a row, and the label that it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from kclassify.evals.labelled import GoldStatus, LabelledItem

ENOUGH = 2
"""People who label a row, unless they disagree."""
UNNAMED = "(unnamed)"


def votes_of(row: LabelledItem) -> dict[str, str]:
    """Who said what. A label without votes is that of the people in `gold_by`."""
    if row.votes or row.gold is None:
        return dict(row.votes)
    return dict.fromkeys(row.gold_by or (UNNAMED,), row.gold)


def wants(row: LabelledItem, by: str) -> bool:
    """Whether another label is wanted, from this person: the third one where two disagree."""
    votes = votes_of(row)
    return by not in votes and (len(votes) < ENOUGH or _label(votes) is None)


def is_contested(row: LabelledItem) -> bool:
    """Whether people disagree, and no label has more votes than any other."""
    votes = votes_of(row)
    return bool(votes) and _label(votes) is None


def voted(row: LabelledItem, by: str, label: str | None) -> LabelledItem:
    """The row after this person said so; None takes back what they said before.

    A contested row has no gold label, so that it is not counted until somebody decided.
    """
    votes = votes_of(row)
    votes.pop(by, None)
    if label is not None:
        votes[by] = label
    return replace(
        row,
        votes=votes,
        gold=_label(votes),
        gold_by=tuple(name for name in votes if name != UNNAMED),
        gold_status=_status(votes),
    )


def _label(votes: Mapping[str, str]) -> str | None:
    """The label with the most votes; None for no votes and for a draw."""
    first = Counter(votes.values()).most_common(2)
    if not first or (len(first) > 1 and first[0][1] == first[1][1]):
        return None
    return first[0][0]


def _status(votes: Mapping[str, str]) -> GoldStatus | None:
    if _label(votes) is None:
        return None
    if len(votes) == 1:
        return GoldStatus.SINGLE
    return GoldStatus.AGREED if len(set(votes.values())) == 1 else GoldStatus.ADJUDICATED
