from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from kclassify.cli.course import Course
from kclassify.cli.ending import report_ending
from kclassify.cli.exiting import exit_status
from kclassify.cli.live_progress import LiveProgress
from kclassify.cli.plain_progress import PlainProgress
from kclassify.cli.progress import showing
from kclassify.cli.running import Result
from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Advance, Decision, Done, Halt, Pause, Snooze, Superseded
from kclassify.core.spending import Charge, Spending
from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.events import (
    BatchChanged,
    CallEnded,
    Checkpointed,
    ConcurrencyChanged,
    PassOpened,
    Snoozing,
    StepEnded,
    Stopping,
    Warned,
)


def opened(items: int | None = 100, settled: int = 0, override: str | None = None) -> PassOpened:
    return PassOpened("articles", "commit", 1, items, settled, "anthropic/m", override)


def checkpointed(settled: int, rows: int = 1, failed: int = 0) -> Checkpointed:
    kinds = {"judged": rows} | ({"refused": failed} if failed else {})
    transitions: dict[tuple[str | None, str], int] = {("convention", "playbook"): rows}
    return Checkpointed(settled, settled, transitions, kinds, {"written": rows}, 0)


class Hands:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_plain_lines_come_every_ten_seconds_and_at_the_end() -> None:
    lines: list[str] = []
    clock = Hands()
    progress = PlainProgress(Course(), lines.append, clock)
    progress(opened())
    for settled in range(1, 26):
        clock.at += 1
        progress(checkpointed(settled))
    assert len(lines) == 3
    assert lines[1] == "10/100 items; 1.0/s, 90 s left; convention → playbook 10"
    progress(StepEnded(Done()))
    assert lines[3].startswith("25/100 items; ")


def test_plain_lines_tell_snoozes_stops_failures_and_the_override_at_once() -> None:
    lines: list[str] = []
    progress = PlainProgress(Course(), lines.append, Hands())
    progress(opened(override="agreed"))
    progress(Snoozing(60, "too many calls without an answer"))
    progress(Stopping("SIGTERM received", 3, 5.0))
    progress(checkpointed(2, 1, failed=1))
    progress(StepEnded(Advance(2, Pause.STOPPED)))
    assert lines[1:4] == [
        "WRITING WITHOUT A GATE, override: agreed",
        "snoozing 60 s: too many calls without an answer",
        "stopping: SIGTERM received; 3 calls in flight may still land",
    ]
    assert lines[4].endswith("convention → playbook 1; refused 1")


def test_progress_tells_how_many_calls_may_run_and_how_many_were_throttled() -> None:
    lines: list[str] = []
    clock, course, stream = Hands(), Course(), io.StringIO()
    plain = PlainProgress(course, lines.append, clock)
    plain(opened())
    plain(ConcurrencyChanged(5, "the run begins low"))
    plain(answered())
    with LiveProgress(course, Console(file=stream, width=100)):
        pass
    assert "3 in flight (limit 5), 1 call" in stream.getvalue()
    plain(answered(OutcomeKind.THROTTLED))
    plain(ConcurrencyChanged(2, "the provider throttles"))
    clock.at = 10
    plain(answered())
    assert lines[-1].endswith("; 1 throttled, limit 2 at once")
    with LiveProgress(course, Console(file=stream, width=100)):
        pass
    assert "3 in flight (limit 2), 3 calls, 1 throttled" in stream.getvalue()


def test_what_was_settled_before_is_no_part_of_the_rate() -> None:
    lines: list[str] = []
    clock = Hands()
    progress = PlainProgress(Course(), lines.append, clock)
    progress(opened(items=1000, settled=900))
    clock.at = 10
    progress(checkpointed(920))
    assert "920/1,000 items; 2.0/s, 40 s left" in lines[1]


def answered(kind: OutcomeKind | None = OutcomeKind.JUDGED, *, probe: bool = False) -> CallEnded:
    return CallEnded(kind, 0.1, Usage(), 3, probe)


def test_items_that_wait_for_an_earlier_one_are_counted_before_it_comes_and_not_twice_after() -> (
    None
):
    course = Course()
    course.take(opened(settled=10))
    for number in range(1, 8):
        course.take(answered())
        assert (course.completed, course.settled) == (10 + number, 10)
    course.take(checkpointed(15, 5))
    assert course.completed == 17
    course.take(checkpointed(17, 2))
    assert course.completed == 17
    course.take(answered())
    course.take(StepEnded(Advance(17, Pause.STOPPED)))
    assert course.completed == 17


def test_calls_without_an_answer_and_probes_settle_nothing() -> None:
    course = Course()
    course.take(opened())
    for kind in (OutcomeKind.TIMED_OUT, OutcomeKind.THROTTLED, OutcomeKind.UNAVAILABLE, None):
        course.take(answered(kind))
    course.take(answered(probe=True))
    assert course.completed == 0


def test_items_that_cost_no_call_are_not_taken_for_answered_ones() -> None:
    course = Course()
    course.take(opened())
    for _ in range(10):
        course.take(answered())
    course.take(Checkpointed(13, 13, {}, {"judged": 8, "empty": 5}, {"same": 8}, recalled=4))
    assert course.completed == 15
    course.take(Checkpointed(33, 33, {}, {"judged": 20}, {"same": 20}, recalled=20))
    assert course.completed == 35


def test_plain_lines_come_while_the_first_item_is_waited_for() -> None:
    lines: list[str] = []
    clock = Hands()
    progress = PlainProgress(Course(), lines.append, clock)
    progress(opened())
    for _ in range(20):
        clock.at += 1
        progress(answered())
    assert [line.partition("; ")[0] for line in lines[1:]] == ["10/100 items", "20/100 items"]
    assert lines[2] == "20/100 items; 1.0/s, 80 s left"


def test_the_bar_moves_while_the_first_item_is_waited_for() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with LiveProgress(Course(), console) as display:
        display(opened())
        for _ in range(30):
            display(answered())
    assert "30/100" in screen.getvalue()


def test_an_unknown_number_of_items_gives_no_time_left() -> None:
    lines: list[str] = []
    clock = Hands()
    progress = PlainProgress(Course(), lines.append, clock)
    progress(opened(items=None))
    clock.at = 10
    progress(checkpointed(20))
    assert lines[1].startswith("20 items; 2.0/s; ")


def test_the_live_display_shows_all_there_is_to_see() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with LiveProgress(Course(), console) as display:
        display(opened(override="agreed [bold]"))
        display(CallEnded(OutcomeKind.JUDGED, 0.1, Usage(), 7, probe=False))
        display(checkpointed(40, 30, failed=2))
        display(Snoozing(60, "the provider is gone"))
        display(Stopping("SIGINT received", 3, 5.0))
    shown = screen.getvalue()
    for words in (
        "40/100",
        "WRITING WITHOUT A GATE, override: agreed [bold]",
        "30  convention → playbook",
        "left unchanged: refused 2",
        "1 snooze",
        "snoozing 60 s: the provider is gone",
        "stopping: SIGINT received",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (Done(), 0),
        (Advance(1, Pause.MAX_ITEMS), 0),
        (Advance(1, Pause.STOPPED), 75),
        (Advance(1, Pause.BUDGET), 75),
        (Snooze(60, "gone"), 75),
        (Superseded(), 75),
        (Halt("bad key"), 1),
    ],
)
def test_each_decision_has_its_exit_status(decision: Decision, status: int) -> None:
    assert exit_status(decision) == status


def test_warnings_are_printed_by_every_display_and_kept_once() -> None:
    lines: list[str] = []
    course = Course()
    progress = PlainProgress(course, lines.append, Hands())
    progress(Warned("a commit would be refused"))
    progress(Warned("a commit would be refused"))
    assert lines[0] == "warning: a commit would be refused"
    assert course.warnings == ["a commit would be refused"]
    screen = io.StringIO()
    with LiveProgress(Course(), Console(file=screen, force_terminal=True, width=120)) as display:
        display(Warned("a commit would be refused"))
    assert "warning: a commit would be refused" in screen.getvalue()


def test_warnings_are_no_progress_that_quiet_leaves_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with showing(Course(), quiet=True) as listener:
        listener(opened())
        listener(Warned("a commit would be refused"))
    assert capsys.readouterr().err == "kclassify: warning: a commit would be refused\n"


def test_warnings_are_part_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    course = Course(warnings=["a commit would be refused"])
    report_ending(Result(Done(), course, None), as_json=True)
    assert json.loads(capsys.readouterr().out)["warnings"] == ["a commit would be refused"]


def paid(cost: int | None, usage: Usage, uncertain: int = 0) -> CallEnded:
    return CallEnded(OutcomeKind.JUDGED, 0.1, usage, 3, probe=False, cost=cost, uncertain=uncertain)


def test_progress_tells_the_dollars_of_the_run_its_budget_and_what_the_cache_saved() -> None:
    lines: list[str] = []
    course = Course()
    progress = PlainProgress(course, lines.append, Hands())
    spent = Spending(Charge(3, 1.0, Usage(10, 10), cost=1_000_000_000))
    progress(replace(opened(), spent=spent, budget=50_000_000_000))
    progress(paid(230_000_000, Usage(100, 30, cache_read_tokens=900), uncertain=40_000_000))
    progress(StepEnded(Done()))
    assert lines[-1].endswith("; $1.23 of $50.00, 90% of the input from the cache")
    assert course.bill.lines() == [
        "Cost of the run: $1.23 of $50.00, $0.23 of it by this command",
        "Up to $0.04 more may be billed, for calls whose answer nobody saw",
        "90% of the input from the cache",
    ]
    assert course.bill.facts() == {
        "run_usd": 1.23,
        "call_usd": 0.23,
        "uncertain_usd": 0.04,
        "budget_usd": 50,
        "unpriced_calls": 0,
        "cache_hit_rate": 0.9,
    }


def test_what_this_command_spent_is_not_told_twice_when_it_opens_another_pass() -> None:
    course = Course()
    course.take(opened())
    course.take(paid(20_000_000, Usage(100, 30)))
    course.take(replace(opened(), spent=Spending(Charge(1, 0.1, Usage(100, 30), cost=20_000_000))))
    course.take(paid(20_000_000, Usage(100, 30)))
    assert course.bill.told == "$0.04"
    assert course.bill.charge.cost == 40_000_000


def test_an_unknown_price_is_told_and_never_as_nothing() -> None:
    course = Course()
    course.take(opened())
    course.take(paid(None, Usage(100, 30)))
    assert course.bill.told == "cost unknown"
    assert course.bill.facts()["run_usd"] is None
    course.take(paid(20_000_000, Usage(100, 30)))
    assert course.bill.told == "more than $0.02"


def test_while_nothing_costs_progress_says_nothing_of_it_unless_there_is_a_budget() -> None:
    course = Course()
    course.take(opened())
    course.take(answered(OutcomeKind.UNAVAILABLE))
    assert (course.bill.told, course.bill.lines()) == ("", ["Cost of the run: $0.00"])
    course.take(replace(opened(), budget=50_000_000_000))
    assert course.bill.told == "$0.00 of $50.00"
    course = Course()
    assert course.bill.lines() == []  # no pass was opened
    course.take(replace(opened(), model="local"))
    assert course.bill.lines() == []


def test_batches_are_told_as_they_are_sent_end_and_are_read() -> None:
    lines: list[str] = []
    course, stream = Course(), io.StringIO()
    progress = PlainProgress(course, lines.append, Hands())
    progress(opened())
    progress(BatchChanged("msgbatch_1", BatchStatus.SENT, 300))
    progress(BatchChanged("msgbatch_2", BatchStatus.SENT, 200))
    progress(BatchChanged("msgbatch_1", BatchStatus.ENDED, 300))
    charge = Charge(290, 0.0, Usage(1000, 100), cost=30_000_000)
    progress(BatchChanged("msgbatch_1", BatchStatus.READ, 300, 290, 10, charge))
    assert lines[1:] == [
        "batch msgbatch_1 is with the provider: 300 requests",
        "batch msgbatch_2 is with the provider: 200 requests",
        "batch msgbatch_1 has ended: its results are read",
        "batch msgbatch_1: 290 of 300 requests answered, 10 to be asked again",
    ]
    with LiveProgress(course, Console(file=stream, width=100)):
        pass
    assert "1 batch in flight (200 requests), $0.03" in stream.getvalue()
