from __future__ import annotations

import itertools

from kclassify.core.concurrency import Change, Concurrency


class Calls:
    """Calls that are started as far as the limit lets them."""

    def __init__(self, most: int, *, is_recovering: bool = False) -> None:
        self.concurrency = Concurrency(most, is_recovering=is_recovering)
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
