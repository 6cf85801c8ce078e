"""What is estimated and what is watched, against a known truth; run with -s to read the figures.

Each method is held beside the one that it replaces, which would fail the same assertion.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import special

from kclassify.core.e_process import EProcess
from kclassify.evals.calibration import calibrate
from kclassify.evals.impact import impact
from kclassify.evals.shares import post_stratified
from tests.evals.worlds import LABELS, ORDINARY, World, alike, answers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

pytestmark = pytest.mark.slow

SHY = World(recall=alike(0.85), current_right=0.75, candour=0.9)
"""A model that is far too sure of its writes, and a little less so of those that are wrong."""


def tell(question: str, **figures: float) -> None:
    shown = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in figures.items())
    print(f"\n{question}: {shown}", end="")


@cache
def is_drift(right: int, wrong: int) -> bool:
    return EProcess(target=0.9, delta=0.05).is_drift(right, wrong)


@cache
def is_certified(right: int, wrong: int) -> bool:
    return EProcess(target=0.9, delta=0.05).is_certified(right, wrong)


def test_looking_after_each_label_errs_no_more_often_than_delta() -> None:
    numbers, runs, most = np.random.default_rng(1), 500, 400
    labels = np.arange(1, most + 1)

    def paths(precision: float) -> list[NDArray[np.int64]]:
        right = numbers.random((runs, most)) < precision
        return list(np.cumsum(right.astype(np.int64), axis=1))

    def ever(counted: list[NDArray[np.int64]], says: Callable[[int, int], bool]) -> float:
        return float(
            np.mean(
                [
                    any(says(int(r), int(n - r)) for r, n in zip(path, labels, strict=True))
                    for path in counted
                ]
            )
        )

    at_target = paths(0.9)
    drift, certified = ever(at_target, is_drift), ever(at_target, is_certified)
    peeking = np.mean(
        [
            (special.betaincinv(np.maximum(p, 1), labels - p + 1, 0.05) >= 0.9).any()
            for p in at_target
        ]
    )
    falling = np.mean(
        [(special.bdtr(p.astype(float), labels, 0.9) <= 0.05).any() for p in at_target]
    )
    found, shown = ever(paths(0.75), is_drift), ever(paths(0.96), is_certified)
    tell(
        "looking after each label", drift=drift, certified=certified, peeking=float(peeking),
        peeking_for_drift=float(falling), drift_found=found, good_certified=shown,
    )  # fmt: skip
    assert drift <= 0.05
    assert certified <= 0.05
    assert min(peeking, falling) > 0.15
    assert found > 0.95
    assert shown > 0.9


@pytest.mark.parametrize("n", [15, 50, 200, 1000])
def test_post_stratified_shares_cover_the_truth(n: int) -> None:
    numbers, runs = np.random.default_rng(n), 60
    covered: list[bool] = []
    naive: list[bool] = []
    for run in range(runs):
        corpus = ORDINARY.draw(20_000, numbers)
        sample = corpus.pick(numbers.choice(20_000, n, replace=False))
        pairs = [(LABELS[g], LABELS[p]) for g, p in zip(sample.gold, sample.predicted, strict=True)]
        said = np.bincount(corpus.predicted, minlength=len(LABELS))
        counts = {str(label): int(said[place]) for place, label in enumerate(LABELS)}
        for share in post_stratified(pairs, counts, {}, seed=run):
            place = LABELS.index(share.label)
            truth = float((corpus.gold == place).mean())
            covered.append(share.actual.low <= truth <= share.actual.high)
            off = (sample.gold == place).astype(float) - (sample.predicted == place)
            middle, error = share.predicted + off.mean(), off.std(ddof=1) / n**0.5
            naive.append(abs(middle - truth) <= 1.96 * error)
    tell(f"shares, n={n}", covered=float(np.mean(covered)), inference=float(np.mean(naive)))
    assert 0.92 <= np.mean(covered) <= 0.995
    if n == 15:
        assert np.mean(naive) < 0.75


@pytest.mark.parametrize("n", [15, 50, 200])
def test_the_impact_covers_what_a_commit_does(n: int) -> None:
    numbers, runs, writes = np.random.default_rng(n), 250, 5_000
    covered: list[bool] = []
    naive: list[bool] = []
    narrower: list[float] = []
    for run in range(runs):
        truth = numbers.multinomial(writes, [0.80, 0.06, 0.14])
        seen = numbers.multivariate_hypergeometric(truth, n)
        found = impact(int(seen[0]), int(seen[1]), int(seen[2]), writes, seed=run)
        net = truth[0] - truth[1]
        pairs = zip(
            (found.better, found.worse, found.neutral, found.net), (*truth, net), strict=True
        )
        covered += [each.low <= true <= each.high for each, true in pairs]
        share = seen[1] / n
        error = 1.96 * (share * (1 - share) / n) ** 0.5 * writes
        naive.append(abs(share * writes - truth[1]) <= error)
        # The same labels spread over a corpus of which a third is written.
        corpus = 3 * writes
        spread = 2 * 1.96 * (truth[0] / corpus * (1 - truth[0] / corpus) / n) ** 0.5 * corpus
        narrower.append(spread / (found.better.high - found.better.low))
    tell(
        f"impact, n={n}", covered=float(np.mean(covered)), wald=float(np.mean(naive)),
        narrower=float(np.median(narrower)),
    )  # fmt: skip
    assert 0.93 <= np.mean(covered) <= 0.99
    if n == 15:
        assert np.mean(naive) < 0.75
    assert np.median(narrower) > 2


def test_calibration_at_fifty_disagreements_lowers_the_brier_score() -> None:
    numbers, before, after = np.random.default_rng(2), list[float](), list[float]()
    for _ in range(40):
        rows = SHY.draw(400, numbers)
        rows = rows.pick(np.flatnonzero(rows.proposed)[:50])
        found = calibrate(answers_of(rows))
        assert found is not None
        before.append(found.brier_before)
        after.append(found.brier_after)
    tell("calibration", before=float(np.mean(before)), after=float(np.mean(after)))
    assert np.mean(after) <= np.mean(before) - 0.05
