"""Two variants on the same rows: only the rows that they get right differently say anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from kclassify.core.evaluation import PairedTest
from kclassify.core.metrics import Interval
from kclassify.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kclassify.evals.design import Design


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


def mid_p(gained: int, lost: int) -> float:
    """The two-sided mid-p value of McNemar's test for this many discordant pairs."""
    if not gained + lost:
        return 1.0
    exact = _exact_mcnemar(gained, lost)
    if gained == lost:  # the exact value counts the middle twice and is capped at 1
        return 1.0 - float(stats.binom.pmf(gained, gained + lost, 0.5)) / 2
    return exact - float(stats.binom.pmf(gained, gained + lost, 0.5))


def macro_f1_difference(
    gold: Sequence[str],
    baseline: Sequence[str],
    candidate: Sequence[str],
    design: Design,
    labels: Sequence[str],
    *,
    seed: int,
    replicates: int,
) -> Interval:
    """Candidate's macro-F1 less the baseline's, with a paired percentile bootstrap.

    Both variants are scored on the same resampled rows, so that what is hard for both cancels out.
    Labels that occur nowhere, neither as gold nor as said, do not count. Raises `UsageError`
    without rows.
    """
    if not gold:
        raise UsageError("macro-F1 needs labelled rows, and there are none")
    from kclassify.evals.design import replicate_weights  # noqa: PLC0415

    names = tuple(dict.fromkeys([*labels, *gold, *baseline, *candidate]))
    truth, before, after = (_one_hot(said, names) for said in (gold, baseline, candidate))
    weights = replicate_weights(design, replicates=replicates, seed=seed)
    differences = _macro_f1(weights, truth, after) - _macro_f1(weights, truth, before)
    seen = design.weights[np.newaxis, :]
    estimate = (_macro_f1(seen, truth, after) - _macro_f1(seen, truth, before)).item()
    low, high = np.quantile(differences, [0.025, 0.975])
    return Interval(
        estimate=estimate,
        low=min(float(low), estimate),
        high=max(float(high), estimate),
        n=float(len(gold)),
        method="paired percentile bootstrap",
    )


def _one_hot(said: Sequence[str], names: Sequence[str]) -> NDArray[np.float64]:
    place = {name: at for at, name in enumerate(names)}
    matrix = np.zeros((len(said), len(names)))
    matrix[np.arange(len(said)), [place[label] for label in said]] = 1.0
    return matrix


def _macro_f1(
    weights: NDArray[np.float64], truth: NDArray[np.float64], said: NDArray[np.float64]
) -> NDArray[np.float64]:
    right = weights @ (truth * said)
    occurring = weights @ (truth + said)
    each = np.divide(2 * right, occurring, out=np.zeros_like(right), where=occurring > 0)
    return np.asarray(each.sum(axis=1) / np.maximum((occurring > 0).sum(axis=1), 1))


def _exact_mcnemar(gained: int, lost: int) -> float:
    from statsmodels.stats.contingency_tables import mcnemar  # noqa: PLC0415

    result: Any = mcnemar([[0, gained], [lost, 0]], exact=True)
    return float(result.pvalue)
