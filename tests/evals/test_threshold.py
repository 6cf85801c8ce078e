from __future__ import annotations

import math

import numpy as np
import pytest
from mapie.risk_control import control_fwer
from scipy import stats

from kclassify.errors import UsageError
from kclassify.evals.design import Design
from kclassify.evals.threshold import certify
from tests.evals.worlds import GOOD_RUN, ORDINARY, World


def flat(*steps: tuple[float, int, int]) -> tuple[list[float], list[bool]]:
    """Confidences and what is right: (confidence, writes, errors) each."""
    confidences = [sure for sure, writes, _ in steps for _ in range(writes)]
    right = [place >= errors for _, writes, errors in steps for place in range(writes)]
    return confidences, right


def test_the_lowest_threshold_that_the_sequence_gets_to_is_certified() -> None:
    curve = certify(*flat((0.95, 100, 1), (0.9, 60, 3), (0.8, 60, 30)), target=0.9, delta=0.1)
    assert curve.certified == 0.9
    assert [(p.threshold, p.writes, p.right) for p in curve.points] == [
        (0.95, 100, 99), (0.9, 160, 156), (0.8, 220, 186),
    ]  # fmt: skip
    assert [(p.tested, p.certified) for p in curve.points] == [
        (True, True), (True, True), (True, False),
    ]  # fmt: skip


def test_the_first_failure_ends_the_sequence_whatever_comes_after() -> None:
    curve = certify(
        *flat((0.95, 100, 20), (0.9, 400, 0), (0.85, 100, 0), (0.8, 100, 0)), target=0.9, delta=0.1
    )
    assert all(point.lower >= 0.9 for point in curve.points[1:])
    assert [point.tested for point in curve.points] == [True, False, False, False]
    assert curve.certified is None


def test_too_few_writes_at_the_top_do_not_end_the_sequence() -> None:
    curve = certify(*flat((0.99, 10, 1), (0.9, 190, 4)), target=0.9, delta=0.1)
    assert [p.tested for p in curve.points] == [False, True]
    assert curve.certified == 0.9
    assert curve.fewest == 3 * math.ceil(math.log(0.1) / math.log(0.9))


def test_few_writes_are_tested_all_together() -> None:
    curve = certify(*flat((0.95, 20, 0), (0.9, 20, 0)), target=0.9, delta=0.1)
    assert [p.tested for p in curve.points] == [False, True]
    assert curve.certified == 0.9


def test_nothing_below_the_floor_is_considered() -> None:
    sure, right = flat((0.95, 100, 1), (0.5, 100, 0))
    design = Design.simple(200)
    for curve in (
        certify(sure, right, target=0.9, delta=0.1, floor=0.75),
        certify(sure, right, target=0.9, delta=0.1, floor=0.75, design=design),
    ):
        assert [p.threshold for p in curve.points] == [0.95]
        assert curve.certified == 0.95


def test_copies_of_one_text_are_not_counted_as_so_many_labels() -> None:
    sure, right = flat((0.9, 200, 6))
    copies = Design(np.ones(200), np.zeros(200, dtype=np.int64), np.repeat(np.arange(20), 10))
    assert certify(sure, right, target=0.9, delta=0.1).certified == 0.9
    assert certify(sure, right, target=0.9, delta=0.1, design=copies).certified is None


def test_without_writes_there_is_no_point() -> None:
    curve = certify([], [], target=0.9, delta=0.1)
    assert (curve.points, curve.certified) == ((), None)
    assert certify([0.9], [True], target=0.9, delta=0.1).certified is None


@pytest.mark.parametrize("odd", [math.nan, -0.1, 1.01, math.inf])
def test_a_confidence_that_is_no_share_is_refused(odd: float) -> None:
    with pytest.raises(UsageError, match="a confidence lies in"):
        certify([0.9, odd], [True, True], target=0.9, delta=0.1)
    with pytest.raises(UsageError, match="held against"):
        certify([0.9], [True, True], target=0.9, delta=0.1)


def test_many_confidences_are_cut_at_multiples_of_a_twentieth_and_the_floor() -> None:
    numbers = np.random.default_rng(2)
    sure = numbers.uniform(0.6, 1.0, 500)
    curve = certify(sure.tolist(), [True] * 500, target=0.9, delta=0.1, floor=0.72)
    assert [p.threshold for p in curve.points] == [0.95, 0.9, 0.85, 0.8, 0.75, 0.72]
    assert curve.points[-1].writes == int((sure >= 0.72).sum())
    assert curve.certified == 0.72


def test_a_cut_that_adds_no_write_is_no_threshold() -> None:
    numbers = np.random.default_rng(2)
    sure = np.concatenate([numbers.uniform(0.9, 1.0, 200), numbers.uniform(0.61, 0.64, 200)])
    curve = certify(sure.tolist(), [True] * 400, target=0.9, delta=0.1)
    assert [p.threshold for p in curve.points] == [0.95, 0.9, 0.6]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("world", [GOOD_RUN, ORDINARY])
def test_mapies_fixed_sequence_certifies_the_same_threshold(world: World, seed: int) -> None:
    """MAPIE's own p-values are Hoeffding-Bentkus'; ours are exact, and its sequence takes them."""
    rows = world.draw(1500, np.random.default_rng(seed))
    rows = rows.pick(rows.proposed)
    target, delta = 0.85, 0.1
    curve = certify(rows.confidence.tolist(), rows.right.tolist(), target=target, delta=delta)
    begun = [point for point in curve.points if point.writes >= curve.fewest]
    exact = [stats.binomtest(p.right, p.writes, target, alternative="greater") for p in begun]
    passed = control_fwer(
        np.array([test.pvalue for test in exact]), delta, fwer_method="fixed_sequence"
    )
    expected = [begun[at].threshold for at in passed]
    assert [p.threshold for p in curve.points if p.certified] == expected
    assert curve.certified == min(expected, default=None)
