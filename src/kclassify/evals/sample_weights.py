"""Whether the weights of a sample are there, and are what its strata say."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from kclassify.errors import SourceError
from kclassify.evals.labelled import Frame, LabelledItem

_LISTED = 5


def refuse_missing_weights(rows: Sequence[LabelledItem]) -> None:
    """Raise `SourceError` where rows of a frame that is not alike have no weights."""
    without = [row for row in rows if row.weight is None]
    if not without:
        return
    if len(without) < len(rows):
        raise SourceError(
            f"{named(without)} without a weight, where other rows have one: give all rows a "
            "weight, or none"
        )
    if any(row.stratum is not None for row in rows):
        raise SourceError(
            "its rows are of strata and have no weight, so the rare ones would count for too much: "
            "give each row `weight` = stratum_N / stratum_n, or draw it with `kclassify sample`"
        )
    frames = sorted({row.frame.value for row in rows})
    if len(frames) > 1 or Frame.TOP_UP in {row.frame for row in rows}:
        raise SourceError(
            f"its rows are of the frames {' and '.join(frames)} and have no weight: give each row "
            "`stratum`, `stratum_N`, `stratum_n` and `weight`, or draw it with `kclassify sample`"
        )


def refuse_wrong_weights(rows: Sequence[LabelledItem]) -> None:
    """Raise `SourceError` where a weight is not stratum_N / stratum_n, or strata contradict."""
    sizes: dict[str | None, tuple[int | None, int | None]] = {}
    for row in rows:
        size = (row.stratum_N, row.stratum_n)
        if sizes.setdefault(row.stratum, size) != size:
            raise SourceError(
                f"row {row.id!r}: {_stratum(row)} has {_size(size)} here and "
                f"{_size(sizes[row.stratum])} in another row: one of them is wrong"
            )
        _refuse_wrong_weight(row)


def _refuse_wrong_weight(row: LabelledItem) -> None:
    if (row.stratum_N is None) != (row.stratum_n is None):
        raise SourceError(f"row {row.id!r}: stratum_N and stratum_n go together")
    if row.stratum_N is None or row.stratum_n is None:
        return
    if row.stratum_n > row.stratum_N:
        raise SourceError(
            f"row {row.id!r}: {row.stratum_n} rows were drawn from {row.stratum_N}: more than "
            "there are"
        )
    due = row.stratum_N / row.stratum_n
    if row.weight is not None and not isclose(row.weight, due, rel_tol=1e-6):
        raise SourceError(
            f"row {row.id!r}: its weight is {row.weight:g}, and stratum_N / stratum_n is {due:g}"
        )


def named(rows: Sequence[LabelledItem]) -> str:
    """`row 'a' is`, `rows 'a', 'b' are`."""
    names = ", ".join(repr(row.id) for row in rows[:_LISTED])
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"row {names} is" if len(rows) == 1 else f"rows {names}{more} are"


def _stratum(row: LabelledItem) -> str:
    return "the frame" if row.stratum is None else f"stratum {row.stratum!r}"


def _size(size: tuple[int | None, int | None]) -> str:
    whole, drawn = size
    return "no size" if whole is None else f"{drawn} of {whole} rows"
