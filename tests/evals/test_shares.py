from __future__ import annotations

import pytest

from kclassify.evals.shares import post_stratified


def test_counts_of_a_model_are_mended_by_the_labels() -> None:
    pairs = [("a", "a")] * 90 + [("b", "a")] * 30 + [("b", "b")] * 80
    found = post_stratified(pairs, {"a": 6_000, "b": 4_000}, {"a": 2_000, "b": 8_000}, seed=1)
    a, b = found
    assert (a.label, a.current, a.predicted) == ("a", 0.2, 0.6)
    assert a.actual.estimate == pytest.approx(0.45)
    assert a.actual.low < 0.45 < a.actual.high < 0.6
    assert b.actual.estimate == pytest.approx(0.55)
    assert found == post_stratified(
        pairs, {"a": 6_000, "b": 4_000}, {"a": 2_000, "b": 8_000}, seed=1
    )


def test_labelling_every_row_leaves_no_doubt() -> None:
    pairs = [("a", "a")] * 3 + [("b", "a")] + [("b", "b")] * 4
    a, b = post_stratified(pairs, {"a": 4, "b": 4}, {}, seed=0)
    assert (a.actual.low, a.actual.estimate, a.actual.high) == (0.375, 0.375, 0.375)
    assert b.actual.low == b.actual.high == 0.625
    assert a.current is None


def test_a_label_that_the_model_never_says_has_a_share_all_the_same() -> None:
    pairs = [("a", "a")] * 15 + [("c", "a")] * 5
    found = post_stratified(pairs, {"a": 1_000}, {"old": 1_000}, seed=0)
    by_label = {each.label: each for each in found}
    assert by_label["c"].predicted == 0.0
    assert by_label["c"].actual.estimate == pytest.approx(0.25)
    assert by_label["old"].current == 1.0
    assert by_label["old"].actual.low < 0.01


def test_many_categories_do_not_drown_a_small_sample() -> None:
    labels = {f"label {n}": 100 for n in range(77)}
    pairs = [(label, label) for label in list(labels)[:30]]
    found = post_stratified(pairs, labels, {}, seed=0)
    assert all(each.actual.high < 0.12 for each in found)


def test_without_predictions_there_are_no_shares() -> None:
    assert post_stratified([], {}, {"a": 3}, seed=0) == ()
