"""What the corpus truly holds of each category: counts of a model, mended by a labelled sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kclassify.core.evaluation import Share
from kclassify.core.metrics import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "post-stratified by predicted label, Jeffreys"
_DRAWS = 10_000


def post_stratified(
    pairs: Sequence[tuple[str, str]],
    predicted_counts: Mapping[str, int],
    current_counts: Mapping[str, int],
    *,
    seed: int,
) -> tuple[Share, ...]:
    """Each category's share of the rows that have a prediction, the most frequent one first.

    `pairs` are (gold, predicted) of a plain random sample, the counts those of the whole corpus.
    A category has two strata, the rows that are predicted to be of it and all the others, each with
    Jeffreys' posterior for the share that truly is: so what many categories have in common does not
    drown a small sample. Labelled rows are known and the others are predicted, so that a sample of
    everything leaves no doubt. `current` is None when no row carries a label.
    """
    total = sum(predicted_counts.values())
    carried = sum(current_counts.values())
    if not total:
        return ()
    random = np.random.default_rng(seed)
    right = Counter(gold for gold, predicted in pairs if gold == predicted)
    missed = Counter(gold for gold, predicted in pairs if gold != predicted)
    said = Counter(predicted for _, predicted in pairs)
    names = dict.fromkeys([*predicted_counts, *current_counts, *(gold for gold, _ in pairs)])
    order = sorted(names, key=lambda name: (-predicted_counts.get(name, 0), name))

    def share(name: str) -> Share:
        inside = predicted_counts.get(name, 0)
        return Share(
            label=name,
            current=current_counts.get(name, 0) / carried if carried else None,
            predicted=inside / total,
            actual=_actual(
                _Stratum(inside, said[name], right[name]),
                _Stratum(total - inside, len(pairs) - said[name], missed[name]),
                random,
            ),
        )

    return tuple(share(name) for name in order)


@dataclass(frozen=True, slots=True)
class _Stratum:
    """`rows` of the corpus; of the `labelled` ones `positive` are of the category."""

    rows: int
    labelled: int
    positive: int

    def drawn(self, random: np.random.Generator) -> NDArray[np.int_]:
        """Rows of the category, drawn from the posterior."""
        others = max(self.rows - self.labelled, 0)
        negative = self.labelled - self.positive
        share = random.beta(self.positive + 0.5, negative + 0.5, size=_DRAWS)
        return np.asarray(self.positive + random.binomial(others, share))

    @property
    def expected(self) -> float:
        """Rows of the category at the labelled rate; the prior's half when none is labelled."""
        return self.rows * (self.positive / self.labelled if self.labelled else 0.5)


def _actual(inside: _Stratum, outside: _Stratum, random: np.random.Generator) -> Interval:
    total = inside.rows + outside.rows
    drawn = (inside.drawn(random) + outside.drawn(random)) / total
    low, high = (float(bound) for bound in np.quantile(drawn, [0.025, 0.975]))
    estimate = (inside.expected + outside.expected) / total
    return Interval(
        estimate=estimate,
        low=min(low, estimate),
        high=min(max(high, estimate), 1.0),
        n=float(inside.labelled + outside.labelled),
        method=METHOD,
    )
