from __future__ import annotations

import itertools

import pytest

from kclassify.core.concurrency import Change, Concurrency


class Calls:
    """Calls that are started as far as the limit lets them."""

    def __init__(self, most: int, *, is_recovering: bool = False, first: int | None = None) -> None:
        self.concurrency = Concurrency(most, is_recovering=is_recovering, first=first)
        self.flying: list[int] = []

    @property
    def limit(self) -> int:
        return self.concurrency.limit

    def fill(self, most: int | None = None) -> None:
        while len(self.flying) < min(self.limit, self.limit if most is None else most):
            self.flying.append(self.concurrency.started(len(self.flying) + 1))

    def answer(self) -> None:
        self.concurrency.answered(self.flying.pop(0))

    def round(self) -> None:
        """Every call that flies now is answered, and the next starts at once."""
        for _ in range(len(self.flying)):
            self.answer()
            self.fill()


def full(most: int) -> Calls:
    calls = Calls(most)
    calls.fill()
    return calls


def test_it_begins_with_five_or_with_all_there_may_be() -> None:
    assert [Concurrency(most).limit for most in (1, 3, 5, 50)] == [1, 3, 5, 5]


def test_it_doubles_in_each_round_until_the_first_throttling() -> None:
    calls = full(50)
    limits = [calls.limit]
    for _ in range(5):
        calls.round()
        limits.append(calls.limit)
    assert limits == [5, 10, 20, 40, 50, 50]
    assert calls.concurrency.reason is Change.RISEN


def test_throttling_halves_it_and_then_each_round_adds_one() -> None:
    calls = full(20)
    for _ in range(3):
        calls.round()
    assert calls.concurrency.throttled(calls.flying.pop(), 1.0)
    assert (calls.limit, calls.concurrency.reason) == (10, Change.FALLEN)
    calls.flying = calls.flying[:10]
    calls.fill()
    limits: list[int] = []
    for _ in range(4):
        calls.fill()
        calls.round()
        limits.append(calls.limit)
    assert all(after - before in (0, 1) for before, after in itertools.pairwise(limits))
    assert limits[-1] in (13, 14)


def test_calls_that_began_before_the_last_fall_are_throttled_in_the_same_round() -> None:
    calls = full(20)
    assert [calls.concurrency.throttled(order, 1.0) for order in calls.flying] == [
        True,
        *[False] * 4,
    ]
    assert calls.limit == 2


def test_it_never_falls_below_one() -> None:
    calls = full(4)
    for _ in range(6):
        calls.flying = []
        calls.fill()
        calls.concurrency.throttled(calls.flying[-1], 1.0)
    assert calls.limit == 1


def test_an_answer_counts_only_where_the_limit_was_in_use() -> None:
    calls = Calls(50)
    for _ in range(100):
        calls.fill(most=2)
        calls.answer()
    assert calls.limit == 5


def test_after_a_snooze_it_is_low_then_quick_to_half_of_what_it_was_then_slow() -> None:
    calls = full(40)
    for _ in range(4):
        calls.round()
    assert calls.limit == 40
    calls.concurrency.resumed()
    assert (calls.limit, calls.concurrency.reason) == (5, Change.RESUMED)
    calls.flying = []
    calls.fill()
    limits: list[int] = []
    for _ in range(5):
        calls.round()
        limits.append(calls.limit)
    assert limits[:2] == [10, 20]
    assert limits[2:] in ([21, 22, 22], [21, 22, 23])


def test_a_second_snooze_without_an_answer_remembers_what_was_before_the_first() -> None:
    calls = full(40)
    for _ in range(4):
        calls.round()
    calls.concurrency.resumed()
    calls.concurrency.resumed()
    calls.flying = []
    calls.fill()
    calls.round()
    calls.round()
    assert calls.limit == 20


def test_a_run_that_is_rebuilt_in_an_outage_is_quick_to_half_of_what_it_may() -> None:
    calls = Calls(16, is_recovering=True)
    assert (calls.limit, calls.concurrency.reason) == (5, Change.RESUMED)
    calls.fill()
    for _ in range(2):
        calls.round()
    assert calls.limit == 8 + 1


def test_a_step_begins_where_the_one_before_it_ended_and_goes_on_one_more_a_round() -> None:
    before = full(50)
    for _ in range(2):
        before.round()
    assert before.concurrency.reached == 20
    calls = Calls(50, first=before.concurrency.reached)
    assert (calls.limit, calls.concurrency.reason) == (20, Change.CONTINUED)
    calls.fill()
    calls.round()
    calls.round()
    assert calls.limit in {21, 22}


@pytest.mark.parametrize(("first", "limit"), [(99, 50), (50, 50), (3, 3), (1, 1), (0, 1)])
def test_a_first_limit_keeps_within_what_may_be(first: int, limit: int) -> None:
    assert Calls(50, first=first).limit == limit


def test_after_an_outage_what_was_reached_before_says_nothing() -> None:
    calls = Calls(50, is_recovering=True, first=40)
    assert (calls.limit, calls.concurrency.reason) == (5, Change.RESUMED)


def test_without_a_call_nothing_is_reached() -> None:
    assert Concurrency(50, first=30).reached is None


def test_what_is_reached_is_what_was_in_use_and_not_what_might_have_been() -> None:
    calls = Calls(50, first=30)
    calls.fill()
    for _ in range(100):
        calls.flying = calls.flying[:1]
        calls.fill(most=2)
    assert (calls.limit, calls.concurrency.reached) == (30, 3)


def test_what_is_reached_falls_with_the_limit() -> None:
    calls = Calls(50, first=30)
    calls.fill()
    calls.concurrency.throttled(calls.flying[-1], 1.0)
    assert (calls.limit, calls.concurrency.reached) == (15, 15)


def test_a_bound_holds_at_once_and_what_was_learned_comes_back_with_it() -> None:
    calls = Calls(50, first=30)
    limits = list[int]()
    for bound in (7, 0, 40, 100):
        calls.concurrency.allow(bound)
        limits.append(calls.limit)
    assert limits == [7, 0, 30, 30]
    assert calls.concurrency.reason is Change.SHARED
    assert calls.concurrency.bound == 50


def test_a_bound_that_is_not_met_changes_no_reason() -> None:
    calls = full(50)
    calls.concurrency.allow(5)
    assert (calls.limit, calls.concurrency.reason) == (5, Change.BEGUN)


def test_answers_below_a_bound_teach_nothing_of_what_is_above_it() -> None:
    calls = full(50)
    calls.concurrency.allow(3)
    calls.flying = calls.flying[:3]
    for _ in range(20):
        calls.round()
    calls.concurrency.allow(50)
    assert calls.limit <= 5 + 3  # the calls that began before the bound count


def test_throttling_halves_what_the_bound_let_run() -> None:
    calls = Calls(50, first=40)
    calls.concurrency.allow(8)
    calls.fill()
    calls.concurrency.throttled(calls.flying[-1], 1.0)
    assert calls.limit == 4
    calls.concurrency.allow(50)
    assert calls.limit == 4


def test_throttling_while_nothing_may_start_leaves_one() -> None:
    calls = Calls(50, first=40)
    calls.fill()
    calls.concurrency.allow(0)
    calls.concurrency.throttled(calls.flying[-1], 1.0)
    assert calls.limit == 0
    calls.concurrency.allow(50)
    assert calls.limit == 1
