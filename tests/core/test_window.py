from __future__ import annotations

from kclassify.core.availability import Suspect
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Phase, Window
from tests.core.corpus import Nature, distinct, outcome_of

GOOD = outcome_of(Nature.GOOD)


def test_only_the_settled_prefix_can_be_taken() -> None:
    window = Window()
    first, second, third = [window.append(item) for item in distinct(*[Nature.GOOD] * 3)]
    second.settle(GOOD)
    assert not window.has_settled_prefix
    assert window.take(10) == []
    first.settle(GOOD)
    assert [landed.key for landed in window.take(10)] == [1, 2]
    third.settle(GOOD)
    assert [landed.key for landed in window.take(10)] == [3]
    assert len(window) == 0


def test_no_more_is_taken_than_asked_for() -> None:
    window = Window()
    for item in distinct(*[Nature.GOOD] * 5):
        window.append(item).settle(GOOD)
    assert [landed.key for landed in window.take(2)] == [1, 2]
    assert len(window) == 3
    assert window.admitted == 5


def test_a_twin_follows_and_is_served_by_its_leaders_call() -> None:
    window = Window()
    leader = window.append(Item(1, "the same", current="a"))
    twin = window.append(Item(2, "the same", current="b"))
    assert twin.phase is Phase.FOLLOWING
    leader.settle(GOOD)
    first, second = window.take(2)
    assert (first.outcome.recalled, second.outcome.recalled) == (False, True)
    assert second.outcome.verdict == GOOD.verdict
    assert (first.current, second.current) == ("a", "b")


def test_a_twin_of_a_settled_item_is_settled_at_once() -> None:
    window = Window()
    window.append(Item(1, "the same")).settle(GOOD)
    assert window.append(Item(2, "the same")).phase is Phase.SETTLED


def test_a_twin_of_an_item_that_left_the_window_leads() -> None:
    window = Window()
    window.append(Item(1, "the same")).settle(GOOD)
    window.take(1)
    assert window.append(Item(2, "the same")).phase is Phase.FRESH


def test_the_same_body_under_another_title_is_no_twin() -> None:
    window = Window()
    window.append(Item(1, "the same", title="one"))
    assert window.append(Item(2, "the same", title="two")).phase is Phase.FRESH


def test_a_settled_item_lets_its_text_go_and_keeps_its_digest_and_label() -> None:
    window = Window()
    item = Item(1, "a long text", title="and title", current="old")
    entry = window.append(item)
    entry.settle(GOOD)
    assert (entry.item.body, entry.item.title) == ("", None)
    [landed] = window.take(1)
    assert (landed.key, landed.digest, landed.current) == (1, item.digest, "old")


def test_an_item_taken_over_from_an_earlier_step_has_a_reason_of_its_own() -> None:
    entry = Window().append(Item(1, "a text"))
    entry.restore(Suspect(1, 2, undecided=True, kind=OutcomeKind.THROTTLED))
    assert entry.outcome is not None
    assert entry.outcome.kind is OutcomeKind.THROTTLED
    assert "earlier step" in entry.outcome.detail
    assert (entry.held, entry.undecided, entry.retriable) == (2, True, False)


def test_a_forgiven_failure_leaves_what_was_held_before() -> None:
    entry = Window().append(Item(1, "a text"))
    entry.restore(Suspect(1, 1, undecided=False))
    entry.fail(Outcome(OutcomeKind.TIMED_OUT), now=1.0)
    assert (entry.failures, entry.undecided, entry.retriable) == (2, True, False)
    entry.forgive()
    assert (entry.failures, entry.held, entry.undecided, entry.retriable) == (1, 1, False, True)
