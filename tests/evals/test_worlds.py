from __future__ import annotations

import numpy as np
import pytest

from tests.evals.worlds import (
    BAD_RUN,
    GOOD_RUN,
    HARMFUL_RUN,
    LABELS,
    ONE_FAULTY_CLASS,
    ORDINARY,
    PULL,
    World,
    answers_of,
)


@pytest.mark.parametrize(
    ("world", "write_precision"),
    [
        (ORDINARY, 0.658),
        (BAD_RUN, 0.60),
        (ONE_FAULTY_CLASS, 0.75),
        (GOOD_RUN, 0.92),
        (HARMFUL_RUN, 0.712),
        (World(recall=(0.95,) * len(LABELS), current_right=0.95), 0.489),
    ],
)
def test_a_drawn_corpus_has_the_write_precision_that_its_world_states(
    world: World, write_precision: float
) -> None:
    rows = world.draw(100_000, np.random.default_rng(3))
    assert world.write_precision == pytest.approx(write_precision, abs=0.001)
    assert rows.right[rows.proposed].mean() == pytest.approx(write_precision, abs=0.02)
    assert rows.right.mean() == pytest.approx(world.truth.accuracy, abs=0.005)


def test_only_the_faulty_class_is_faulty() -> None:
    right, proposed = ONE_FAULTY_CLASS.writes_by_class
    precision = right / proposed
    assert precision[PULL] < 0.35
    assert np.delete(precision, PULL).min() > 0.98


def test_no_class_of_the_good_run_is_below_the_floor() -> None:
    right, proposed = GOOD_RUN.writes_by_class
    assert (right / proposed).min() > 0.89


def test_the_model_is_more_confident_than_right() -> None:
    rows = ORDINARY.draw(50_000, np.random.default_rng(4))
    assert rows.confidence.mean() > rows.right.mean() + 0.05


def test_the_same_seed_draws_the_same_corpus() -> None:
    first, again = (answers_of(ORDINARY.draw(200, np.random.default_rng(5))) for _ in range(2))
    assert first == again
