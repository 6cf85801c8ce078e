from __future__ import annotations

import pytest
from scipy import stats

from kclassify.core.evaluation import Flow, Transition
from kclassify.evals.over_use import flows, over_used

SIZES = {"playbook": 300, "essay": 600, "decision": 300}


def moved(*moves: tuple[str | None, str, int]) -> list[Transition]:
    return [Transition(before=before, after=after, count=n) for before, after, n in moves]


def flow(*moves: tuple[str | None, str, int], retired: tuple[str, ...] = ()) -> dict[str, Flow]:
    found = flows(moved(*moves), SIZES, ratio_warn=2.0, retired=retired)
    return {each.label: each for each in found}


def test_a_category_that_gains_more_errors_than_it_loses_is_over_used() -> None:
    pairs = [("essay", "playbook")] * 14 + [("playbook", "essay")] * 2 + [("essay", "essay")] * 90
    found = {each.label: each for each in over_used(pairs, ["essay", "playbook"], alpha=0.05)}
    assert found["playbook"].flagged
    assert (found["playbook"].false_positives, found["playbook"].false_negatives) == (14, 2)
    assert found["playbook"].p_value == pytest.approx(
        2 * stats.binomtest(14, 16, alternative="greater").pvalue
    )
    assert not found["essay"].flagged


def test_as_many_errors_in_as_out_are_no_over_use() -> None:
    pairs = [("a", "b")] * 40 + [("b", "a")] * 40
    assert not any(each.flagged for each in over_used(pairs, ["a", "b"], alpha=0.05))


def test_categories_without_errors_do_not_blunt_the_test() -> None:
    pairs = [("b", "a")] * 6
    labels = ["a", "b", *(str(n) for n in range(50))]
    found = over_used(pairs, labels, alpha=0.05)
    assert len(found) == 52
    assert found[0].flagged
    assert found[7].p_value == 1.0
    assert over_used([], [], alpha=0.05) == ()


def test_the_category_that_pulls_is_seen_without_a_label() -> None:
    found = flow(
        ("essay", "playbook", 120), ("decision", "playbook", 60), ("playbook", "essay", 20),
        ("essay", "decision", 50), ("decision", "essay", 40),
    )  # fmt: skip
    assert [label for label, each in found.items() if each.alarm] == ["playbook"]
    assert found["playbook"].ratio == 9.0
    assert (found["playbook"].rows, found["playbook"].inflow, found["playbook"].outflow) == (
        (300, 180, 20)
    )


def test_a_category_that_is_entered_and_never_left_alarms() -> None:
    found = flow(("essay", "playbook", 40))
    assert (found["playbook"].ratio, found["playbook"].alarm) == (None, True)
    assert (found["essay"].ratio, found["essay"].alarm) == (0.0, False)


def test_a_few_rows_more_are_chance() -> None:
    assert not flow(("essay", "playbook", 4))["playbook"].alarm
    assert not flow(("essay", "playbook", 4), ("playbook", "essay", 2))["playbook"].alarm


def test_a_ratio_below_the_warning_is_no_alarm_however_many_rows() -> None:
    found = flow(("essay", "playbook", 1900), ("playbook", "essay", 1000))
    assert not found["playbook"].alarm


def test_a_retired_category_that_empties_is_no_over_use() -> None:
    found = flow(
        ("convention", "playbook", 150), ("convention", "decision", 200), (None, "essay", 90),
        ("essay", "playbook", 10), ("playbook", "essay", 9),
        retired=("convention",),
    )  # fmt: skip
    assert not any(each.alarm for each in found.values())
    assert (found["playbook"].inflow, found["playbook"].from_retired) == (160, 150)
    assert found["playbook"].ratio == pytest.approx(10 / 9)
    assert found["essay"].from_retired == 90
    assert (found["convention"].outflow, found["convention"].inflow) == (350, 0)


def test_a_pull_is_seen_in_the_middle_of_a_migration() -> None:
    found = flow(
        ("convention", "playbook", 150), ("essay", "playbook", 60), ("playbook", "essay", 5),
        retired=("convention",),
    )  # fmt: skip
    assert found["playbook"].alarm


def test_a_category_that_no_row_carries_yet_cannot_be_left_and_does_not_alarm() -> None:
    found = flow(("essay", "runbook", 80))
    assert (found["runbook"].rows, found["runbook"].alarm) == (0, False)
