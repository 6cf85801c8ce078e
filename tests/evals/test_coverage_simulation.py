"""How often each interval holds the truth, by simulation on corpora whose truth is known.

`pytest -m slow tests/evals/test_coverage_simulation.py -s` prints the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kclassify.core.evaluation import Scores
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.evals.bootstrap import percentile, replicate_scores
from kclassify.evals.design import Design, Mask, effective_counts, proportion
from kclassify.evals.intervals import clopper_pearson, lower_bound, upper_bound, wilson
from kclassify.evals.label_table import LabelTable
from kclassify.evals.scores import score
from tests.evals.worlds import (
    CONFIDENCES,
    LABELS,
    ORDINARY,
    PULL,
    Rows,
    World,
    alike,
    answers_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Between = Callable[[int, int], tuple[float, float]]
SIZES = (15, 50, 200, 1000)
TRUTHS = np.arange(0.55, 0.955, 0.01)
NEARLY_PERFECT = World(recall=alike(0.95))
RARE = LABELS.index("incident")


@dataclass
class Tally:
    """Of so many intervals, how many held the truth; and how wide they were."""

    held: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    width: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, interval: Interval | None, truth: float | None) -> None:
        if interval is not None and truth is not None:
            self.held[name].append(interval.low <= truth <= interval.high)
            self.width[name].append(interval.high - interval.low)

    def rate(self, name: str) -> float:
        return float(np.mean(self.held[name]))

    def luck(self, name: str) -> float:
        """Three standard errors of a rate of 0.95 (nearly): what chance may take from it."""
        return 3 * sqrt(0.95 * 0.05 / len(self.held[name]))

    def show(self, title: str) -> None:
        for name in self.held:
            wide = float(np.mean(self.width[name]))
            print(f"{title:>32} {name:<26} held {self.rate(name):.3f}  width {wide:.3f}")


def wald(successes: int, n: int) -> Interval:
    share = successes / n
    half = 1.96 * sqrt(share * (1 - share) / n)
    return Interval(share, share - half, share + half, n, "Wald")


def exact_coverage(
    made: Callable[[int, int], Interval], n: int, truths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The coverage at each truth: no simulation, since the binomial tells every probability."""
    intervals = [made(count, n) for count in range(n + 1)]
    low = np.array([one.low for one in intervals])[:, None]
    high = np.array([one.high for one in intervals])[:, None]
    likely = stats.binom.pmf(np.arange(n + 1)[:, None], n, truths)
    held = np.where((low <= truths) & (truths <= high), likely, 0.0)
    return np.asarray(held.sum(axis=0))


@pytest.mark.parametrize("n", SIZES)
def test_wilson_covers_as_often_as_it_says_and_clopper_and_pearson_never_less(n: int) -> None:
    by_wilson, exact, by_wald = (
        exact_coverage(made, n, TRUTHS) for made in (wilson, clopper_pearson, wald)
    )
    print(
        f"\nn = {n}, exact, mean and worst over truths of 0.55 to 0.95: "
        f"Wilson {by_wilson.mean():.3f} {by_wilson.min():.3f}, "
        f"Clopper-Pearson {exact.mean():.3f} {exact.min():.3f}, "
        f"Wald {by_wald.mean():.3f} {by_wald.min():.3f}"
    )
    assert 0.945 <= by_wilson.mean() <= 0.96
    assert exact.min() >= 0.95
    assert by_wald.mean() < by_wilson.mean() - (0.05 if n == 15 else 0)


def test_wald_is_wrong_about_a_nearly_perfect_model() -> None:
    assert exact_coverage(wald, 15, np.array([0.99]))[0] == pytest.approx(0.14, abs=0.005)
    assert exact_coverage(wilson, 15, np.array([0.99]))[0] > 0.85
    assert exact_coverage(clopper_pearson, 15, np.array([0.99]))[0] > 0.95


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("alpha", [0.05, 0.10])
def test_a_one_sided_bound_is_too_bold_no_more_often_than_alpha(n: int, alpha: float) -> None:
    truths = np.append(TRUTHS, [0.9, 0.99])
    counts = np.arange(n + 1)
    likely = stats.binom.pmf(counts[:, None], n, truths)
    low = np.array([lower_bound(int(count), n, alpha) for count in counts])[:, None]
    high = np.array([upper_bound(int(count), n, alpha) for count in counts])[:, None]
    assert np.where(low > truths, likely, 0.0).sum(axis=0).max() <= alpha + 1e-12
    assert np.where(high < truths, likely, 0.0).sum(axis=0).max() <= alpha + 1e-12


@dataclass(frozen=True)
class Corpus:
    """Twenty thousand rows in strata, of which as many are drawn from each."""

    rows: Rows
    stratum: NDArray[np.int64]

    def sample(self, n: int, numbers: np.random.Generator) -> tuple[Rows, Design]:
        places = [np.flatnonzero(self.stratum == one) for one in np.unique(self.stratum)]
        each = n // len(places)
        drawn = np.concatenate([numbers.choice(some, each, replace=False) for some in places])
        weights = np.repeat([len(some) / each for some in places], each)
        return self.rows.pick(drawn), Design(weights, self.stratum[drawn], np.arange(len(drawn)))

    @property
    def truth(self) -> ConfusionMatrix:
        table = np.zeros((len(LABELS), len(LABELS)))
        np.add.at(table, (self.rows.gold, self.rows.predicted), 1.0)
        return ConfusionMatrix(LABELS, tuple(tuple(map(float, row)) for row in table))


def by_confidence() -> Corpus:
    rows = ORDINARY.draw(20_000, np.random.default_rng(1))
    return Corpus(rows, np.searchsorted(CONFIDENCES, rows.confidence))


def by_predicted_label() -> Corpus:
    rows = ORDINARY.draw(20_000, np.random.default_rng(2))
    return Corpus(rows, rows.predicted)


def in_clusters(n: int, numbers: np.random.Generator) -> tuple[Rows, Design]:
    """Rows in clusters of one to three, of which six in ten are copies of one text."""
    cluster = np.repeat(np.arange(n), numbers.choice([1, 1, 2, 3], size=n))[:n]
    texts, own = ORDINARY.draw(n, numbers), ORDINARY.draw(n, numbers)
    copied = numbers.random(n) < 0.6
    columns = ("gold", "current", "predicted", "confidence")
    rows = Rows(
        *(np.where(copied, getattr(texts, one)[cluster], getattr(own, one)) for one in columns)
    )
    return rows, Design(np.ones(n), np.zeros(n, dtype=np.int64), cluster)


def domains(rows: Rows, truth: ConfusionMatrix) -> Iterator[tuple[str, Mask, float | None]]:
    yield "accuracy", np.ones(len(rows), dtype=np.bool_), truth.accuracy
    for place in (0, PULL, RARE):
        yield "precision", rows.predicted == place, truth.precision(LABELS[place])
        yield "recall", rows.gold == place, truth.recall(LABELS[place])


def tally_of(
    sample: Callable[[int, np.random.Generator], tuple[Rows, Design]],
    truth: ConfusionMatrix,
    n: int,
    simulations: int,
) -> Tally:
    numbers, tally = np.random.default_rng(n), Tally()
    for _ in range(simulations):
        rows, design = sample(n, numbers)
        for name, domain, true in domains(rows, truth):
            if domain.any():
                tally.add(name, proportion(rows.right, design, domain), true)
                as_drawn = wilson(int((rows.right & domain).sum()), int(domain.sum()))
                tally.add(f"{name}, ignoring", as_drawn, true)
                exact = clopper_pearson(*effective_counts(rows.right, design, domain))
                tally.add(f"{name}, to gate", exact, true)
    return tally


@pytest.mark.nightly
@pytest.mark.parametrize(("n", "simulations"), [(50, 600), (200, 400), (1000, 200)])
@pytest.mark.parametrize("made", [by_confidence, by_predicted_label])
def test_the_effective_n_of_a_stratified_sample_holds(
    made: Callable[[], Corpus], n: int, simulations: int
) -> None:
    corpus = made()
    tally = tally_of(corpus.sample, corpus.truth, n, simulations)
    tally.show(f"{made.__name__}, n = {n}")
    assert tally.rate("accuracy") >= 0.95 - tally.luck("accuracy")
    assert tally.rate("accuracy, to gate") >= 0.95
    assert tally.rate("precision") >= 0.93
    assert tally.rate("recall") >= 0.88
    assert tally.rate("recall, ignoring") < tally.rate("recall") - 0.05
    if made is by_confidence:
        assert tally.rate("accuracy, ignoring") < 0.75


@pytest.mark.parametrize(("n", "simulations"), [(50, 600), (200, 400), (1000, 200)])
def test_the_effective_n_of_a_sample_in_clusters_holds(n: int, simulations: int) -> None:
    tally = tally_of(in_clusters, ORDINARY.truth, n, simulations)
    tally.show(f"in clusters, n = {n}")
    assert tally.rate("accuracy") >= 0.95 - tally.luck("accuracy")
    assert tally.rate("accuracy, to gate") >= 0.95 - tally.luck("accuracy, to gate")
    assert min(tally.rate("precision"), tally.rate("recall")) >= 0.92
    assert tally.rate("accuracy, ignoring") < tally.rate("accuracy") - 0.01


def score_tally(world: World, n: int, simulations: int) -> Tally:
    numbers, tally, truth = np.random.default_rng(n), Tally(), world.truth
    for simulation in range(simulations):
        rows = world.draw(n, numbers)
        found = score(answers_of(rows), LABELS, seed=simulation, replicates=300)
        tally.add("accuracy", found.accuracy, truth.accuracy)
        tally.add("macro-F1", found.macro_f1, truth.macro_f1)
        tally.add("kappa", found.kappa, truth.kappa)
        tally.add("macro-F1, percentile", percentile_alone(rows, found, simulation), truth.macro_f1)
        for each in found.classes:
            tally.add("F1 of a class", each.f1, truth.f1(each.label))
            tally.add("precision of a class", each.precision, truth.precision(each.label))
            tally.add("recall of a class", each.recall, truth.recall(each.label))
    return tally


def percentile_alone(rows: Rows, found: Scores, seed: int) -> Interval | None:
    if found.macro_f1 is None:
        return None
    table = LabelTable.of(rows.gold, rows.predicted, len(LABELS))
    scores = replicate_scores(
        table.cells,
        Design.simple(len(rows)),
        table.macro_f1,
        cell_count=len(table),
        seed=seed,
        replicates=300,
    )
    return percentile(found.macro_f1.estimate, scores, len(rows))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("n", "simulations", "macro_f1", "kappa"),
    [
        (15, 600, 0.83, 0.85),
        (50, 600, 0.90, 0.95),  # two classes have one row in fifty: macro-F1 rests on next to none
        (200, 300, 0.94, 0.95),
        (1000, 200, 0.95, 0.95),
    ],
)
@pytest.mark.parametrize("world", [ORDINARY, NEARLY_PERFECT], ids=["ordinary", "nearly perfect"])
def test_macro_f1_and_kappa_hold_as_often_as_their_rows_allow(
    world: World, n: int, simulations: int, macro_f1: float, kappa: float
) -> None:
    tally = score_tally(world, n, simulations)
    tally.show(f"{'ordinary' if world is ORDINARY else 'nearly perfect'}, n = {n}")
    assert tally.rate("accuracy") >= 0.95 - tally.luck("accuracy")
    assert tally.rate("macro-F1") >= macro_f1 - tally.luck("macro-F1")
    assert tally.rate("kappa") >= kappa - tally.luck("kappa")
    for name in ("F1 of a class", "precision of a class", "recall of a class"):
        assert tally.rate(name) >= (0.88 if n == 15 else 0.92)  # of fifteen rows, one or two each
    if n == 15 and world is NEARLY_PERFECT:
        assert tally.rate("macro-F1, percentile") < 0.7  # it makes [1, 1] of a sample without error
