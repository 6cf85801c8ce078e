"""Categories whose proposals are shown to be too often wrong: few labels veto, none certify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from scipy import stats
from statsmodels.stats.multitest import (
    multipletests,  # pyright: ignore[reportUnknownVariableType] - ships no types
)

from kclassify.core.evaluation import Veto
from kclassify.errors import UsageError
from kclassify.evals.intervals import clopper_pearson


def vetoes(
    groups: Mapping[str, tuple[int, int]], *, floor: float, alpha: float
) -> tuple[Veto, ...]:
    """Each category's proposals, (right, labelled), tested against "right at least so often".

    One-sided exact binomial tests, held together by Holm: the probability that any category whose
    precision is at the floor or above is vetoed is at most `alpha`. Clopper-Pearson intervals. A
    category without a labelled proposal is left out. Raises `UsageError` for counts that no sample
    can have.
    """
    labelled = {label: counts for label, counts in groups.items() if counts != (0, 0)}
    for label, (right, n) in labelled.items():
        if not 0 <= right <= n:
            raise UsageError(f"category {label!r} cannot have {right} right of {n} proposals")
    raw = [float(stats.binom.cdf(right, n, floor)) for right, n in labelled.values()]
    return tuple(
        Veto(
            label=label,
            right=right,
            n=n,
            floor=floor,
            interval=clopper_pearson(right, n),
            p_value=p_value,
            vetoed=p_value <= alpha,
        )
        for (label, (right, n)), p_value in zip(labelled.items(), holm(raw), strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted by Holm: those at most alpha are rejected at that family-wise level."""
    if not p_values:
        return []
    found = cast("tuple[object, Sequence[float]]", multipletests(p_values, method="holm"))
    return [float(p) for p in found[1]]
