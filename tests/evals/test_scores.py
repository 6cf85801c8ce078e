from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from statsmodels.stats import inter_rater

from kclassify.core.evaluation import ClassScores, Scores
from kclassify.core.metrics import Interval
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.errors import UsageError
from kclassify.evals.design import Design, proportion
from kclassify.evals.intervals import wilson
from kclassify.evals.labelled import Answered, LabelledItem
from kclassify.evals.scores import score
from tests.evals.worlds import LABELS, ORDINARY, answers_of, unanswered

SKLEARN: Any = metrics
STATSMODELS: Any = inter_rater


def answer(place: int, gold: str | None, said: str, **settings: object) -> Answered:
    row = LabelledItem(id=f"r{place:04}", body="text", gold=gold)
    return Answered(replace(row, **settings), judged(Verdict(said, 0.9, "m")))  # type: ignore[arg-type]


def answers(*pairs: tuple[str, str]) -> list[Answered]:
    return [answer(place, gold, said) for place, (gold, said) in enumerate(pairs)]


def of_label(found: Scores, label: str) -> ClassScores:
    return next(each for each in found.classes if each.label == label)


def sure(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval


def drawn(rows: int, seed: int = 1, *, weights: bool = False) -> list[Answered]:
    numbers = np.random.default_rng(seed)
    table = ORDINARY.draw(rows, numbers)
    return answers_of(table, numbers.choice([1.0, 4.0, 9.0], rows) if weights else None)


@pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])
def test_the_estimates_are_those_of_scikit_learn_and_statsmodels(*, weights: bool) -> None:
    rows = drawn(400, weights=weights)
    found = score(rows, LABELS, replicates=200)
    gold, said = [str(each.row.gold) for each in rows], [str(each.label) for each in rows]
    weight = [each.row.weight or 1.0 for each in rows]
    by_class = SKLEARN.precision_recall_fscore_support(
        gold, said, labels=LABELS, sample_weight=weight, zero_division=0
    )
    for each, precision, recall, f1 in zip(found.classes, *by_class[:3], strict=True):
        assert sure(each.precision).estimate == pytest.approx(precision)
        assert sure(each.recall).estimate == pytest.approx(recall)
        assert sure(each.f1).estimate == pytest.approx(f1)
    matrix = SKLEARN.confusion_matrix(gold, said, labels=LABELS, sample_weight=weight)
    assert np.array(found.confusion.counts) == pytest.approx(matrix)
    assert sure(found.macro_f1).estimate == pytest.approx(np.mean(by_class[2]))
    assert sure(found.kappa).estimate == pytest.approx(
        SKLEARN.cohen_kappa_score(gold, said, sample_weight=weight)
    )
    assert sure(found.kappa).estimate == pytest.approx(STATSMODELS.cohens_kappa(matrix).kappa)
    assert found.accuracy.estimate == pytest.approx(
        SKLEARN.accuracy_score(gold, said, sample_weight=weight)
    )


def test_the_bootstrap_of_kappa_is_as_wide_as_its_asymptotic_interval() -> None:
    found = sure(score(drawn(1000), LABELS).kappa)
    theirs = STATSMODELS.cohens_kappa(np.array(score(drawn(1000), LABELS).confusion.counts))
    assert found.low == pytest.approx(theirs.kappa_low, abs=0.005)
    assert found.high == pytest.approx(theirs.kappa_upp, abs=0.005)


def test_without_weights_each_share_has_wilsons_interval() -> None:
    found = score(answers(*[("a", "a")] * 7, ("a", "b"), ("a", "b"), ("b", "a")), ["a", "b"])
    assert found.accuracy == wilson(7, 10)
    assert of_label(found, "a").recall == wilson(7, 9)
    assert of_label(found, "a").precision == wilson(7, 8)
    assert of_label(found, "b").precision == wilson(0, 2)


def test_equal_weights_are_no_weights() -> None:
    plain = drawn(100)
    weighted = [replace(one, row=replace(one.row, weight=3.0)) for one in plain]
    assert score(weighted, LABELS).accuracy == score(plain, LABELS).accuracy
    assert score(weighted, LABELS).macro_f1 == score(plain, LABELS).macro_f1


def test_weights_widen_what_they_make_less_certain() -> None:
    rows = drawn(300, weights=True)
    found = score(rows, LABELS)
    assert found.accuracy.n < 300
    design = Design.of([each.row for each in rows])
    said = np.array([each.label == "note" for each in rows])
    right = np.array([each.is_right for each in rows])
    assert of_label(found, "note").precision == proportion(right & said, design, said)


def test_clusters_widen_every_interval() -> None:
    plain = drawn(200)
    copies = [
        replace(one, row=replace(one.row, id=f"{one.row.id}-{copy}", cluster_id=one.row.id))
        for one in plain
        for copy in range(4)
    ]
    apart = [replace(one, row=replace(one.row, cluster_id=None)) for one in copies]
    together, naive, once = (score(rows, LABELS) for rows in (copies, apart, plain))
    for of in ("accuracy", "macro_f1", "kappa"):
        narrow, wide, honest = (sure(getattr(each, of)) for each in (naive, together, once))
        assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)
        assert wide.high - wide.low == pytest.approx(honest.high - honest.low, rel=0.1)


def test_rows_without_an_answer_are_counted_apart_and_never_wrong() -> None:
    rows = answers(("a", "a"), ("b", "b"), ("a", "b"))
    failed = [
        unanswered(1, OutcomeKind.TIMED_OUT),
        unanswered(2, OutcomeKind.TIMED_OUT),
        unanswered(3, OutcomeKind.ABSTAINED),
    ]
    found = score([*failed, *rows], ["a", "b"])
    assert found.answered == 3
    assert found.unanswered == {"abstained": 1, "timed out": 2}
    assert replace(found, unanswered={}) == score(rows, ["a", "b"])


def test_no_answer_at_all_is_an_error_that_says_why() -> None:
    rows = [unanswered(1), unanswered(2), unanswered(3, OutcomeKind.REFUSED)]
    with pytest.raises(
        UsageError, match=r"none of 3 labelled rows .*: timed out 2, refused 1: .*--retry"
    ):
        score(rows, ["a"])
    with pytest.raises(UsageError, match=r"abstained 1$"):
        score([unanswered(1, OutcomeKind.ABSTAINED)], ["a"])
    with pytest.raises(UsageError, match="there is no labelled row to score"):
        score([], ["a"])


def test_a_row_that_nobody_labelled_is_refused() -> None:
    with pytest.raises(ValueError, match="row 'r0000' has no gold label"):
        score([answer(0, None, "a")], ["a"])
    with pytest.raises(ValueError, match="row 'u' has no gold label"):
        score([Answered(LabelledItem(id="u", body="b"), Outcome(OutcomeKind.EMPTY))], ["a"])


def test_a_class_that_occurs_nowhere_has_no_scores() -> None:
    found = score(answers(("a", "a"), ("b", "a")), ["a", "b", "c"])
    absent = ClassScores(label="c", gold=0, predicted=0, precision=None, recall=None, f1=None)
    assert of_label(found, "c") == absent
    assert of_label(found, "b").precision is None
    assert sure(of_label(found, "b").recall).estimate == 0
    assert sure(found.macro_f1).estimate == pytest.approx((2 / 3 + 0) / 2)  # of a and b alone


def test_a_label_that_is_not_listed_comes_last() -> None:
    found = score(answers(("a", "a"), ("old", "a")), ["b", "a"])
    assert [each.label for each in found.classes] == ["b", "a", "old"]
    assert found.confusion.labels == ("b", "a", "old")


def test_one_row_has_scores_that_leave_nearly_everything_possible() -> None:
    found = score(answers(("a", "b")), ["a", "b"])
    assert (found.accuracy.estimate, found.accuracy.n) == (0, 1)
    assert found.accuracy.high > 0.79
    right = score(answers(("a", "a")), ["a", "b"])
    assert right.kappa is None  # with one class, chance alone agrees always
    assert sure(right.macro_f1).low < 0.21


def test_where_all_of_few_rows_are_right_no_interval_is_a_point() -> None:
    found = score(answers(*[("a", "a"), ("b", "b"), ("c", "c")] * 5), ["a", "b", "c"])
    for interval in (found.accuracy, found.macro_f1, found.kappa, of_label(found, "a").f1):
        assert sure(interval).estimate == pytest.approx(1)
        assert sure(interval).low < 0.81


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("abcd"),
            st.sampled_from([1.0, 5.0]),
            st.sampled_from("xyz"),
        ),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_order_changes_nothing_and_bounds_hold_their_estimates(
    rows: list[tuple[str, str, float, str]], numbers: random.Random
) -> None:
    made = [
        answer(place, gold, said, weight=weight, stratum=stratum)
        for place, (gold, said, weight, stratum) in enumerate(rows)
    ]
    shuffled = numbers.sample(made, len(made))
    found = score(made, ["a", "b", "c"], replicates=50)
    assert score(shuffled, ["a", "b", "c"], replicates=50) == found
    every = [found.accuracy, found.macro_f1, found.kappa]
    every += [one for each in found.classes for one in (each.precision, each.recall, each.f1)]
    for interval in every:
        if interval is not None:
            assert interval.low <= interval.estimate <= interval.high
            assert 0 < interval.n <= len(rows)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), st.integers(1, 4))).filter(len)
)
@settings(max_examples=40)
def test_a_weight_of_k_estimates_as_k_copies_do(rows: list[tuple[str, str, int]]) -> None:
    weighted = [answer(n, g, p, weight=float(k)) for n, (g, p, k) in enumerate(rows)]
    copies = answers(*[(g, p) for g, p, k in rows for _ in range(k)])
    one, other = (score(made, ["a", "b"], replicates=20) for made in (weighted, copies))
    assert one.accuracy.estimate == pytest.approx(other.accuracy.estimate)
    assert sure(one.macro_f1).estimate == pytest.approx(sure(other.macro_f1).estimate)
    assert one.confusion == other.confusion


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    rows = drawn(100)
    assert score(rows, LABELS, seed=4) == score(rows, LABELS, seed=4)
    assert score(rows, LABELS, seed=4).macro_f1 != score(rows, LABELS, seed=5).macro_f1
