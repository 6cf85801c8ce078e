from __future__ import annotations

from collections import Counter

import pytest

from kclassify.core.figure import exactly
from kclassify.core.item import Item
from kclassify.estimate import distinct
from kclassify.estimate.distinct import DistinctTexts


def texts(count: int, copies: int = 1, size: int = 20, seed: int = 0) -> DistinctTexts:
    found = DistinctTexts(size, seed)
    for key in range(count * copies):
        found.take(Item(key, f"text {key % count}"))
    return found


def test_copies_count_once_and_are_drawn_once() -> None:
    found = texts(50, copies=7)
    assert found.count == exactly(50)
    bodies = [item.body for item in found.sample]
    assert len(bodies) == len(set(bodies)) == 20


def test_a_sample_of_all_texts_has_each_of_them() -> None:
    assert {item.body for item in texts(5).sample} == {f"text {n}" for n in range(5)}


def test_the_sample_does_not_depend_on_the_order_and_another_seed_draws_another() -> None:
    forward, backward = DistinctTexts(5), DistinctTexts(5)
    items = [Item(n, f"text {n}") for n in range(100)]
    for item in items:
        forward.take(item)
    for item in reversed(items):
        backward.take(item)
    assert forward.sample == backward.sample
    assert forward.sample != texts(100, size=5, seed=1).sample


def test_every_text_is_as_likely_as_any_other_however_many_copies_it_has() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(2000):
        found = DistinctTexts(2, seed)
        for key in range(40):
            found.take(Item(key, "often" if key >= 9 else f"text {key}"))
        drawn.update(item.body for item in found.sample)
    assert len(drawn) == 10
    assert all(300 < count < 500 for count in drawn.values())


def test_copies_are_not_taken_for_more_texts_than_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distinct, "_KEPT", 50)
    assert texts(50, copies=2).count == exactly(50)


@pytest.mark.parametrize("copies", [1, 3])
def test_of_more_texts_than_are_kept_the_number_is_reckoned(
    monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    monkeypatch.setattr(distinct, "_KEPT", 1024)
    found = texts(5000, copies).count
    assert found.low <= 5000 <= found.high
    assert found.high - found.low < 5000 * 0.13
