"""The bootstrap over the cells of a table: vectorised, and in chunks that bound its memory.

A score of labels depends on how much weight lies in each cell of a table alone, for instance in
each pair of gold and predicted label. So what is drawn is not rows but tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kclassify.core.metrics import Interval
from kclassify.evals.design import Design
from kclassify.evals.intervals import wilson

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Floats], Floats]
"""From tables, a row a table, to a score of each; NaN where a table has none."""

PERCENTILE = "percentile bootstrap"
WIDENED = "percentile bootstrap, widened to Wilson's"
_CHUNK_VALUES = 2_000_000


def replicate_tables(
    cells: Ints, cell_count: int, design: Design, *, seed: int, replicates: int
) -> Iterator[Floats]:
    """The weight in each cell, in each replicate: chunks with a row a replicate.

    `cells` numbers the cell of each row. A simple design is resampled row by row, any other as Rao
    and Wu do. The same seed draws the same, whatever the size of the chunks.
    """
    numbers = np.random.default_rng(seed)
    if design.is_simple:
        yield from _multinomial(np.bincount(cells, minlength=cell_count), replicates, numbers)
        return
    units = design.units
    by_unit = sparse.csr_array(
        (design.weights, (units.of_row, cells)), shape=(len(units), cell_count)
    )
    for count in _chunks(replicates, max(cell_count, 3 * len(units))):
        yield np.asarray(units.replicates(count, numbers) @ by_unit)


def replicate_scores(
    cells: Ints,
    design: Design,
    statistic: Statistic,
    *,
    cell_count: int,
    seed: int,
    replicates: int,
) -> Floats:
    """The score of each replicate."""
    tables = replicate_tables(cells, cell_count, design, seed=seed, replicates=replicates)
    return np.concatenate([statistic(table) for table in tables])


def percentile(estimate: float, scores: Floats, n: float, level: float = 0.95) -> Interval:
    """Efron's percentile interval of the replicates' scores, made to hold the estimate.

    Replicates without a score are left out. Raises `ValueError` when no replicate has one.
    """
    found = scores[~np.isnan(scores)]
    if not len(found):
        raise ValueError("no replicate has a score")
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Interval(
        estimate, min(float(low), estimate), max(float(high), estimate), n, PERCENTILE, level
    )


def widened(estimate: float, scores: Floats, n: float, level: float = 0.95) -> Interval | None:
    """The percentile interval of a score whose best is 1, widened to Wilson's of its effective n.

    Resampling cannot find an error of a kind that the sample does not hold: of fifteen rows that
    are all right it makes [1, 1]. So the replicates' mean squared distance from the estimate gives
    an effective n, as a share has it, n at most, and Wilson's interval is held beside. A score of 0
    or less is no share, and keeps the percentile interval. None when no replicate has a score.
    """
    if np.isnan(scores).all():
        return None
    found = percentile(estimate, scores, n, level)
    if estimate <= 0:
        return found
    distance = float(np.nanmean((scores - estimate) ** 2))
    spread = estimate * (1 - estimate)
    effective = spread / distance if distance * n > spread else n
    beside = wilson(estimate * effective, effective, level)
    low, high = min(found.low, beside.low), max(found.high, beside.high)
    return Interval(estimate, low, high, n, WIDENED, level)


def _multinomial(counts: Ints, replicates: int, numbers: np.random.Generator) -> Iterator[Floats]:
    n = int(counts.sum())
    for chunk in _chunks(replicates, len(counts)):
        yield numbers.multinomial(n, counts / n, size=chunk).astype(np.float64)


def _chunks(replicates: int, values_each: int) -> Iterator[int]:
    most = max(1, _CHUNK_VALUES // max(1, values_each))
    for start in range(0, replicates, most):
        yield min(most, replicates - start)
