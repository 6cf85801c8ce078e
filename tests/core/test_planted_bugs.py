from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kclassify.core.policy import RunPolicy
from tests.core import planted_bugs as plants
from tests.core.run_machine import RunMachine
from tests.core.test_liveness import CORPORA
from tests.core.world import World


@dataclass(frozen=True)
class Bug:
    """`caught_by` is a pattern of the referee's complaint."""

    name: str
    caught_by: str
    plant: Callable[[pytest.MonkeyPatch], None]


NO_END = "no end after|a deadlock"
BUGS = (
    Bug("the cursor moves on settle", "moved without a drain", plants.cursor_moves_on_settle),
    Bug(
        "availability settles", "failure of the provider ends", plants.availability_settles_at_once
    ),
    Bug("a refusal counts", "a snooze without a reason", plants.refusal_counts_toward_the_snooze),
    Bug("no canary", "not alone|without a reason|a halt without a cause", plants.no_canary),
    Bug("no slow recovery", NO_END, plants.no_slow_recovery),
    Bug("a twin is asked too", "same text|paid for", plants.twin_is_asked_too),
    Bug("drain is out of order", "out of order", plants.drain_out_of_order),
    Bug("drain loses an item", "out of order|done before", plants.drain_loses_the_rest),
    Bug("rejections settle", "marked as rejected", plants.rejected_settles_with_nothing_answered),
    Bug("an outage is held", "counts against|is held", plants.an_outage_is_held_against_items),
    Bug("air is always clear", "is held|skipped", plants.any_success_is_clear_air),
    Bug("held at once", "is held", plants.failures_are_held_with_no_success_since),
    Bug("tried in an outage", "tried again", plants.failed_items_are_tried_again_in_an_outage),
    Bug("an outage goes unseen", "the provider is out|counts against", plants.outage_goes_unseen),
    Bug("a snooze loses the doubtful", "done before", plants.snooze_loses_the_doubtful),
    Bug("a snooze loses the waiting", f"done before|{NO_END}", plants.snooze_loses_the_waiting),
    Bug("a cut loses the item", "done before", plants.cut_loses_the_item),
    Bug("a recalled item is asked", "paid for is asked", plants.recalled_is_asked_again),
    Bug("an empty item is asked", "an empty item", plants.empty_is_asked),
    Bug("a stop is ignored", "after a stop", plants.stop_is_ignored),
    Bug("a halt lets calls start", "after a halt", plants.halt_lets_calls_start),
    Bug(
        "a halt is overwritten",
        "halt is forgotten|no end|after a halt",
        plants.halt_is_overwritten,
    ),
    Bug("one call too many", "too many calls", plants.one_call_too_many),
    Bug("a window without end", "window is too long", plants.window_without_end),
    Bug("suspects are forgotten", NO_END, plants.suspects_are_forgotten),
    Bug("done with items waiting", "done before", plants.done_with_items_waiting),
    Bug("waits on what failed", NO_END, plants.waits_for_ever_on_what_failed),
    Bug(
        "poison is the canary",
        "a halt without a cause|no end after",
        plants.one_poisonous_row_is_the_canary,
    ),
    Bug("holds are ignored", "the provider said when", plants.holds_are_ignored),
    Bug("throttling raises", "throttling raises", plants.throttling_raises_the_limit),
    Bug("any failure lowers", "a lone failure changes", plants.any_failure_lowers_the_limit),
    Bug("a hold sets no alarm", "a deadlock", plants.a_hold_sets_no_alarm),
    Bug("a probe sets no alarm", "a deadlock", plants.a_hold_before_a_probe_sets_no_alarm),
    Bug("any header is believed", "stops a run|a deadlock|no end", plants.any_header_is_believed),
    Bug("a cut keeps its place", "a deadlock", plants.a_cut_call_keeps_its_place),
)
QUICK = settings(
    max_examples=2_500,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_machine_finds_the_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.plant(monkeypatch)
    with pytest.raises(AssertionError, match=bug.caught_by):
        run_state_machine_as_test(RunMachine, settings=QUICK)


def test_the_liveness_test_finds_a_recovery_that_ends_with_an_answer_a_crash_loses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plants.recovery_ends_with_an_answer_that_a_crash_loses(monkeypatch)
    items = CORPORA["a rejected row among poisonous ones"]
    world = World(items, RunPolicy(), by_steps=True)
    with pytest.raises(AssertionError, match=NO_END):
        world.finish()
