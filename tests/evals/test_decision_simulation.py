"""What is decided, against a known truth: sizes, powers, violations, coverage; run with -s to read.

Each method is held beside the one that it replaces, which would fail the same assertion.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kclassify.core.evaluation import Transition
from kclassify.evals import threshold
from kclassify.evals.over_use import flows, over_used
from kclassify.evals.paired import mid_p
from kclassify.evals.threshold import certify
from kclassify.evals.veto import vetoes
from tests.evals.worlds import (
    CONFIDENCES,
    LABELS,
    ONE_FAULTY_CLASS,
    ORDINARY,
    PULL,
    World,
    alike,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.slow

NO_PULL = World(recall=alike(0.85), pull=0.15)
PULLED = World(recall=alike(0.80), pull=0.6)


def tell(question: str, **figures: float) -> None:
    shown = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in figures.items())
    print(f"\n{question}: {shown}", end="")


@cache
def p_of(gained: int, lost: int) -> float:
    return mid_p(gained, lost)


def test_mcnemar_keeps_its_size_and_has_more_power_than_two_separate_rates() -> None:
    numbers = np.random.default_rng(11)

    def shown(gained: float, lost: float) -> tuple[float, float]:
        pairs = numbers.multinomial(400, [gained, lost, 0.75, 0.25 - gained - lost], size=6000)
        mcnemar = np.mean([p_of(int(b), int(c)) <= 0.05 for b, c, _, _ in pairs])
        before, after = (pairs[:, [at, 2]].sum(axis=1) / 400 for at in (1, 0))
        error = np.sqrt((before * (1 - before) + after * (1 - after)) / 400)
        return float(mcnemar), float(np.mean(np.abs(after - before) / error >= 1.96))

    size, size_apart = shown(0.075, 0.075)
    power, power_apart = shown(0.10, 0.05)
    tell("comparison", size=size, power=power, size_apart=size_apart, power_apart=power_apart)
    assert 0.035 <= size <= 0.053
    assert size_apart < 0.035
    assert power >= 0.70
    assert power_apart < 0.55


def drawn_writes(
    shares: NDArray[np.float64], right: NDArray[np.float64], n: int, numbers: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    place = numbers.choice(len(shares), size=n, p=shares)
    return np.asarray(CONFIDENCES)[place], numbers.random(n) < right[place]


def naive_threshold(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float | None:
    """The smallest one whose point estimate passes."""
    passing = [cut for cut in np.unique(sure) if right[sure >= cut].mean() >= 0.9]
    return float(min(passing)) if passing else None


@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize(
    ("world", "right"),
    [
        ("just below", [0.895] * 7),
        ("rising to it", [0.6, 0.7, 0.8, 0.85, 0.88, 0.92, 0.95]),
        ("falling", [0.80, 0.82, 0.84, 0.86, 0.88, 0.899, 0.899]),
    ],
)
def test_a_certified_threshold_is_wrong_no_more_often_than_delta(
    world: str, right: list[float], n: int
) -> None:
    numbers, shares = np.random.default_rng(n), np.array([0.05, 0.05, 0.1, 0.1, 0.2, 0.3, 0.2])
    precision = (np.cumsum((shares * right)[::-1]) / np.cumsum(shares[::-1]))[::-1]
    truth = dict(zip(CONFIDENCES, precision, strict=True))
    violated = naive = 0
    runs = 600
    for _ in range(runs):
        sure, correct = drawn_writes(shares, np.array(right), n, numbers)
        found = certify(sure.tolist(), correct.tolist(), target=0.9, delta=0.1).certified
        violated += found is not None and truth[found] < 0.9
        lowest = naive_threshold(sure, correct)
        naive += lowest is not None and truth[lowest] < 0.9
    tell(f"threshold, {world}, n={n}", violated=violated / runs, naive=naive / runs)
    assert violated / runs <= 0.10
    assert naive / runs > 0.15


def test_a_threshold_of_a_local_model_is_safe_and_lets_most_good_writes_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers, runs, n = np.random.default_rng(7), 200, 500

    def written(precision: float) -> tuple[float, float]:
        """How often a threshold is certified, and the share of writes from it on."""
        found, share = 0, 0.0
        for _ in range(runs):
            sure = numbers.beta(5, 1.2, n)
            right = numbers.random(n) < precision
            curve = certify(sure.tolist(), right.tolist(), target=0.9, delta=0.1)
            found += curve.certified is not None
            share += float((sure >= (curve.certified or 2.0)).mean())
        return found / runs, share / runs

    (violated, _), (_, share) = written(0.895), written(0.96)
    monkeypatch.setattr(threshold, "MOST_VALUES", 10_000)
    _, of_every_value = written(0.96)
    tell("local model", violated=violated, written=share, with_every_value=of_every_value)
    assert violated <= 0.10
    assert share > 0.65 > of_every_value


@pytest.mark.parametrize("n", [15, 20, 50])
def test_no_category_is_vetoed_that_is_as_good_as_the_floor(n: int) -> None:
    numbers, runs = np.random.default_rng(n), 500
    alarms = faults = blocked = 0
    for _ in range(runs):
        good = {str(place): (int(r), n) for place, r in enumerate(numbers.binomial(n, 0.90, 10))}
        blocked += any(each.vetoed for each in vetoes(good, floor=0.85, alpha=0.05))
        right = numbers.binomial(n, 0.85, size=10)
        groups = {str(place): (int(r), n) for place, r in enumerate(right)}
        alarms += any(each.vetoed for each in vetoes(groups, floor=0.85, alpha=0.05))
        groups["faulty"] = (int(numbers.binomial(n, 0.31)), n)
        faults += vetoes(groups, floor=0.85, alpha=0.05)[-1].vetoed
    below = np.mean(numbers.binomial(n, 0.85, size=(2000, 10)).min(axis=1) < 0.85 * n)
    tell(
        f"veto, n={n}", at_the_floor=alarms / runs, good_run=blocked / runs, found=faults / runs,
        any_below_the_floor=float(below),
    )  # fmt: skip
    assert alarms / runs <= 0.05
    assert blocked / runs <= 0.021
    assert faults / runs >= 0.95
    assert below > 0.9


@pytest.mark.parametrize("n", [200, 1000])
def test_a_recall_that_drops_two_points_says_nothing(n: int) -> None:
    """Why there is a veto and no rule on recall: two equal variants break that rule always."""
    numbers, runs = np.random.default_rng(n), 300
    dropped = 0
    for _ in range(runs):
        gold = ORDINARY.draw(n, numbers).gold
        before, after = (numbers.random(n) < np.asarray(ORDINARY.recall)[gold] for _ in range(2))
        dropped += any(
            after[gold == each].mean() < before[gold == each].mean() - 0.02
            for each in np.unique(gold)
        )
    tell(f"recall may not drop, n={n}", false=dropped / runs)
    assert dropped / runs > 0.9


def labelled_writes(world: World, n: int, numbers: np.random.Generator) -> list[tuple[str, str]]:
    rows = world.draw(4 * n, numbers)
    rows = rows.pick(np.flatnonzero(rows.proposed)[:n])
    return [(LABELS[g], LABELS[p]) for g, p in zip(rows.gold, rows.predicted, strict=True)]


def test_a_category_that_pulls_is_found_among_two_hundred_labelled_writes() -> None:
    numbers, runs = np.random.default_rng(3), 300

    def flagged(world: World) -> tuple[float, float, float]:
        pulls = anything = naive = 0
        for _ in range(runs):
            found = over_used(labelled_writes(world, 200, numbers), LABELS, alpha=0.05)
            pulls += found[PULL].flagged
            anything += any(each.flagged for each in found)
            naive += any(each.false_positives > each.false_negatives for each in found)
        return pulls / runs, anything / runs, naive / runs

    power, _, _ = flagged(PULLED)
    _, false, naive = flagged(NO_PULL)
    tell("over-use", power=power, false=false, more_in_than_out_at_all=naive)
    assert power >= 0.90
    assert false <= 0.05 < naive


def test_the_flow_shows_the_category_that_pulls_without_a_label() -> None:
    numbers, runs = np.random.default_rng(5), 40

    def alarmed(world: World) -> tuple[float, float]:
        pulls = others = 0
        for _ in range(runs):
            rows = world.draw(20_000, numbers)
            moved = Counter(zip(rows.current.tolist(), rows.predicted.tolist(), strict=True))
            sizes = Counter(LABELS[now] for now in rows.current.tolist())
            transitions = [
                Transition(before=LABELS[b], after=LABELS[a], count=n)
                for (b, a), n in moved.items()
                if a != b
            ]
            alarms = {f.label for f in flows(transitions, sizes, ratio_warn=2.0) if f.alarm}
            pulls += LABELS[PULL] in alarms
            others += bool(alarms - {LABELS[PULL]})
        return pulls / runs, others / runs

    found, beside = alarmed(ONE_FAULTY_CLASS)
    false, elsewhere = alarmed(NO_PULL)
    tell("flow", found=found, beside=beside, false=max(false, elsewhere))
    assert found == 1.0
    assert beside == false == elsewhere == 0.0
