"""The whole gate on four worlds: 200 proposals in proportion, topped up to 20 a category."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from kclassify.core.gate import GateVerdict, combined, verdict_digest
from kclassify.evals.criteria import GateTable, PolicyTable
from kclassify.evals.decide import checks_of
from kclassify.evals.finding import find
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.material import Cell
from kclassify.evals.threshold import certify
from tests.evals.made_up import material
from tests.evals.worlds import (
    BAD_RUN,
    CONFIDENCES,
    GOOD_RUN,
    HARMFUL_RUN,
    LABELS,
    ONE_FAULTY_CLASS,
    Ints,
    Rows,
    World,
    answers_of,
)

RUNS = 200
CORPUS = 6_000
PROPORTIONAL, TOP_UP, NAIVE = 200, 20, 15
GATE = GateTable(write_precision=0.90, delta=0.10, class_floor=0.85)


@dataclass
class Ended:
    verdicts: Counter[GateVerdict]
    naive: int

    @property
    def passed(self) -> float:
        return self.verdicts[GateVerdict.PASS] / self.verdicts.total()

    @property
    def failed(self) -> float:
        return self.verdicts[GateVerdict.FAIL] / self.verdicts.total()


@pytest.fixture(autouse=True)
def _no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """statsmodels collects garbage at every call of its Holm: most of the time of a simulation."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


def simulate(world: World, seed: int, runs: int = RUNS) -> Ended:
    numbers = np.random.default_rng(seed)
    ended = Ended(Counter(), 0)
    for _ in range(runs):
        corpus = world.draw(CORPUS, numbers)
        ended.verdicts[gate(corpus, numbers)] += 1
        ended.naive += naive(corpus, numbers)
    return ended


def gate(corpus: Rows, numbers: np.random.Generator) -> GateVerdict:
    given = material(
        labelled(corpus, numbers),
        cells=cells_of(corpus),
        gate=GATE,
        policy=PolicyTable(min_confidence=min(CONFIDENCES)),
        labels=LABELS,
    )
    return combined(checks_of(find(given), GATE))


def labelled(corpus: Rows, numbers: np.random.Generator) -> list[Answered]:
    proposals = numbers.permutation(np.flatnonzero(corpus.proposed))
    first, rest = proposals[:PROPORTIONAL], proposals[PROPORTIONAL:]
    more: list[int] = []
    for category in range(len(LABELS)):
        missing = TOP_UP - int((corpus.predicted[first] == category).sum())
        into = rest[corpus.predicted[rest] == category]
        more += into[: max(0, missing)].tolist()
    return [
        *framed(corpus, first, Frame.WRITES),
        *framed(corpus, np.array(more, dtype=np.int64), Frame.TOP_UP),
    ]


def framed(corpus: Rows, places: Ints, frame: Frame) -> list[Answered]:
    drawn = answers_of(corpus.pick(places))
    return [
        Answered(replace(a.row, frame=frame, verdict_digest=verdict_digest(a.outcome)), a.outcome)
        for a in drawn
    ]


def cells_of(corpus: Rows) -> Counter[Cell]:
    rows = zip(
        corpus.current.tolist(), corpus.predicted.tolist(), corpus.confidence.tolist(), strict=True
    )
    return Counter((LABELS[now], LABELS[said], sure) for now, said, sure in rows)


def naive(corpus: Rows, numbers: np.random.Generator) -> bool:
    """Fifteen writes, and at most one of them may be wrong."""
    drawn = numbers.choice(np.flatnonzero(corpus.proposed), NAIVE, replace=False)
    return int(corpus.right[drawn].sum()) >= NAIVE - 1


def tell(name: str, ended: Ended) -> None:
    shares = {verdict.value: ended.verdicts[verdict] / RUNS for verdict in GateVerdict}
    print(f"{name}: {shares}, naive check passes {ended.naive / RUNS:.3f}")


@pytest.mark.slow
def test_a_bad_run_never_passes() -> None:
    ended = simulate(BAD_RUN, 1)
    tell("0.60 right", ended)
    assert ended.failed == 1.0


@pytest.mark.slow
def test_a_fault_in_one_category_fails_the_run() -> None:
    ended = simulate(ONE_FAULTY_CLASS, 2)
    tell("one faulty category, 0.75 right", ended)
    assert ended.failed == 1.0


@pytest.mark.slow
def test_a_good_run_passes() -> None:
    ended = simulate(GOOD_RUN, 3)
    tell("0.92 right", ended)
    assert ended.passed >= 0.98
    assert ended.naive / RUNS < 0.8, "fifteen labels would block it"


@pytest.mark.slow
def test_a_harmful_run_of_an_accurate_model_is_held_back() -> None:
    ended = simulate(HARMFUL_RUN, 4)
    tell("98% right over labels that are 95% right", ended)
    assert ended.passed <= 0.02


def test_one_draw_of_each_world_is_judged_as_it_should_be() -> None:
    numbers = np.random.default_rng(0)
    verdicts = [gate(world.draw(CORPUS, numbers), numbers) for world in (BAD_RUN, GOOD_RUN)]
    assert verdicts == [GateVerdict.FAIL, GateVerdict.PASS]


def ever_certified(numbers: np.random.Generator, shrink: float) -> bool:
    """Whether looking after every 25 of 400 labels certifies writes that are just at the target."""
    right = numbers.random(400) < GATE.write_precision
    looks = range(50, 401, 25)
    return any(
        certify(
            [0.9] * n,
            right[:n].tolist(),
            target=GATE.write_precision,
            delta=GATE.delta * shrink**further,
        ).certified
        is not None
        for further, n in enumerate(looks)
    )


@pytest.mark.slow
def test_labelling_until_it_passes_errs_in_at_most_twice_what_one_look_may() -> None:
    numbers = np.random.default_rng(5)
    kept = np.mean([ever_certified(numbers, 0.5) for _ in range(600)])
    peeked = np.mean([ever_certified(numbers, 1.0) for _ in range(600)])
    print(
        f"looking 15 times: {kept:.3f} with half the error each time, {peeked:.3f} with all of it"
    )
    assert kept <= 2 * GATE.delta
    assert peeked > 2 * GATE.delta
