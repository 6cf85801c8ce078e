"""What the labelled writes would do, counted as what they stand for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kclassify.evals.design import Design, effective_counts
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.writes import Effect, effect_of


def design_of(writes: Sequence[Answered]) -> Design | None:
    """How the writes in proportion were drawn; None when alike and one by one.

    Proposals of the frame `writes` were drawn alike, whatever weights a top-up gave them since:
    only their clusters count.
    """
    rows = [each.row for each in writes]
    if any(row.frame is Frame.WRITES for row in rows):
        rows = [replace(row, weight=None, stratum=None) for row in rows]
    design = Design.of(rows)
    return None if design.is_simple else design


def effect_counts(writes: Sequence[Answered]) -> Counter[Effect]:
    """Better, worse and neutral writes; with weights or clusters, of as many as they are worth.

    Fractions are counted as worse.
    """
    effects = [effect_of(each) for each in writes]
    design = design_of(writes)
    if design is None:
        return Counter(effects)
    held = {kind: np.array([each is kind for each in effects]) for kind in Effect}
    worth = min(effective_counts(values, design)[1] for values in held.values())
    shares = {kind: design.weights[values].sum() for kind, values in held.items()}
    total = sum(shares.values())
    counted = Counter({kind: math.floor(worth * shares[kind] / total) for kind in Effect})
    counted[Effect.WORSE] += worth - counted.total()
    return counted
