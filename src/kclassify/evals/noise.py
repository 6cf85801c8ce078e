"""The same question asked again: how much of a difference is no difference at all."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from kclassify.core.evaluation import Noise
from kclassify.evals.intervals import wilson
from kclassify.evals.labelled import Answered

_FEWEST_REPEATS = 2


def noise(repeats: Sequence[Sequence[Answered]]) -> Noise | None:
    """How many rows got more than one label, of those that every repeat answered.

    Rows are found again by their id. None for fewer than two repeats, and when no row was answered
    in all of them.
    """
    if len(repeats) < _FEWEST_REPEATS:
        return None
    by_id = [{one.row.id: one for one in answers if one.label is not None} for answers in repeats]
    shared = [key for key in by_id[0] if all(key in others for others in by_id)]
    if not shared:
        return None
    unstable = tuple(key for key in shared if len({each[key].label for each in by_id}) > 1)
    spreads = [statistics.stdev(each[key].confidence for each in by_id) for key in shared]
    return Noise(
        repeats=len(repeats),
        rows=len(shared),
        changed=wilson(len(unstable), len(shared)),
        confidence_spread=statistics.fmean(spreads),
        unstable=unstable,
    )
