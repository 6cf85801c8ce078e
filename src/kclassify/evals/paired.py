"""Two variants on the same rows: only the rows that they get right differently say anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from kclassify.core.evaluation import PairedTest
from kclassify.core.metrics import Interval
from kclassify.errors import UsageError
from kclassify.evals.bootstrap import PERCENTILE, Floats, percentile, replicate_scores
from kclassify.evals.design import Design

_PAIRED = f"paired {PERCENTILE}"


def paired_test(baseline_right: Sequence[bool], candidate_right: Sequence[bool]) -> PairedTest:
    """Mid-p McNemar, two-sided, and P(the candidate is worse), row by row in the same order.

    The mid-p value is the exact one less the probability of what was seen (Fagerland, Lydersen and
    Laake 2013); without discordant pairs it is 1. Raises `UsageError` for sequences of different
    lengths.
    """
    if len(baseline_right) != len(candidate_right):
        raise UsageError(
            f"a comparison needs the same rows twice, not {len(baseline_right)} and "
            f"{len(candidate_right)}: leave out the rows that one of the variants has no label for"
        )
    pairs = list(zip(baseline_right, candidate_right, strict=True))
    gained = sum(1 for before, after in pairs if after and not before)
    lost = sum(1 for before, after in pairs if before and not after)
    both = sum(1 for before, after in pairs if before and after)
    return PairedTest(
        n=len(pairs),
        both_right=both,
        only_candidate=gained,
        only_baseline=lost,
        both_wrong=len(pairs) - both - gained - lost,
        p_value=mid_p(gained, lost),
        p_regression=float(stats.beta.cdf(0.5, gained + 0.5, lost + 0.5)),
    )


def weighted_test(
    test: PairedTest, before: Sequence[bool], after: Sequence[bool], design: Design
) -> PairedTest:
    """The same counts, tested as what the rows stand for.

    The weighted difference of the two shares over its standard error (Rao and Wu), taken for
    normal: a count of pairs would speak for the rows that were drawn, and not for the corpus.
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    shares = design.weights / design.weights.sum()
    difference = float(shares @ change)
    variance = design.units.variance(shares * (change - difference))
    if variance == 0:
        return replace(test, p_value=1.0, p_regression=0.5)
    z = difference / math.sqrt(variance)
    return replace(
        test, p_value=float(2 * stats.norm.sf(abs(z))), p_regression=float(stats.norm.sf(z))
    )


def mid_p(gained: int, lost: int) -> float:
    """The two-sided mid-p value of McNemar's test for this many discordant pairs."""
    if not gained + lost:
        return 1.0
    exact = float(stats.binomtest(gained, gained + lost).pvalue)
    seen = float(stats.binom.pmf(gained, gained + lost, 0.5))
    return exact - (seen / 2 if gained == lost else seen)  # the middle lies in both tails


def macro_f1_difference(
    gold: Sequence[str],
    baseline: Sequence[str],
    candidate: Sequence[str],
    design: Design,
    labels: Sequence[str],
    *,
    seed: int,
    replicates: int,
) -> Interval | None:
    """Candidate's macro-F1 less the baseline's, with a paired percentile bootstrap.

    Both variants are scored on the same resampled rows, so that what is hard for both cancels out.
    Labels that occur nowhere, neither as gold nor as said, do not count. None without rows.
    """
    if not gold:
        return None
    triples = sorted(set(zip(gold, baseline, candidate, strict=True)))
    place = {triple: at for at, triple in enumerate(triples)}
    names = list(dict.fromkeys([*labels, *(label for triple in triples for label in triple)]))
    truth, before, after = (_one_hot(said, names) for said in zip(*triples, strict=True))
    cells = np.array([place[t] for t in zip(gold, baseline, candidate, strict=True)])

    def difference(tables: Floats) -> Floats:
        return _macro_f1(tables, truth, after) - _macro_f1(tables, truth, before)

    seen = np.bincount(cells, design.weights, len(triples)).astype(np.float64)[np.newaxis, :]
    scores = replicate_scores(
        cells, design, difference, cell_count=len(triples), seed=seed, replicates=replicates
    )
    found = percentile(difference(seen).item(), scores, float(len(gold)))
    return replace(found, method=_PAIRED)


def _one_hot(said: Sequence[str], names: Sequence[str]) -> Floats:
    place = {name: at for at, name in enumerate(names)}
    matrix = np.zeros((len(said), len(names)))
    matrix[np.arange(len(said)), [place[label] for label in said]] = 1.0
    return matrix


def _macro_f1(tables: Floats, truth: Floats, said: Floats) -> Floats:
    right = tables @ (truth * said)
    occurring = tables @ (truth + said)
    each = np.divide(2 * right, occurring, out=np.zeros_like(right), where=occurring > 0)
    return np.asarray(each.sum(axis=1) / (occurring > 0).sum(axis=1))
