from __future__ import annotations

from kclassify.evals.gold_quality import gold_quality
from kclassify.evals.labelled import GoldStatus
from tests.evals.made_up import answered


def test_rows_are_counted_by_how_their_label_came_about() -> None:
    found = gold_quality(
        [
            answered(1, "a", "a", gold_status=GoldStatus.SINGLE, gold_by=("ann",)),
            answered(2, "a", "a", gold_status=GoldStatus.AGREED, gold_by=("ann", "bo")),
            answered(3, "a", "b", gold_status=GoldStatus.ADJUDICATED, gold_by=("ann", "bo", "cy")),
            answered(4, "a", "a", gold_by=("ann", "ann")),
            answered(5, "a", None),
        ]
    )
    assert (found.single, found.agreed, found.adjudicated, found.unstated) == (1, 1, 1, 2)
    assert found.annotators == {0: 1, 1: 2, 2: 1, 3: 1}


def test_rows_where_all_others_disagree_with_the_gold_label_come_first() -> None:
    found = gold_quality(
        [
            answered(1, "a", "b", current="b", confidence=0.7),
            answered(2, "a", "b", current="b", confidence=0.95, title="T", body="x" * 1000),
            answered(3, "a", "b", current="a", confidence=0.99),
            answered(4, "a", "a", current="a", confidence=0.99),
            answered(5, "a", "b", current="c", confidence=0.99),
            answered(6, "a", None, current=None),
        ]
    )
    assert [each.id for each in found.review] == ["2", "1"]
    first = found.review[0]
    assert (first.title, first.gold, first.others) == ("T", "a", "b")
    assert 0 < len(first.text) <= 300
