from __future__ import annotations

import pytest
from opentelemetry.context import Context, attach
from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode, get_current_span

from kclassify import Advance, Done, Halt, OutcomeKind, Snooze, Superseded, Usage
from kclassify.core.batch import BatchStatus
from kclassify.core.decision import Decision
from kclassify.events import (
    BatchChanged,
    CallEnded,
    ConcurrencyChanged,
    Event,
    Snoozing,
    StepEnded,
    StepFailed,
)
from tests.telemetry.heard import A_SECOND, MODEL, NOW, OPENED, RUN, Heard, call


def test_a_step_is_a_span_from_its_opening_to_its_end() -> None:
    (step,) = Heard(OPENED, StepEnded(Done())).spans
    assert (step.name, step.kind) == ("kclassify dry_run", SpanKind.INTERNAL)
    assert (step.start_time, step.end_time) == (NOW, NOW + A_SECOND)
    assert step.attributes == RUN | MODEL | {
        "kclassify.pass": 3,
        "kclassify.settled": 7,
        "kclassify.decision": "done",
    }
    assert step.status.status_code is StatusCode.UNSET


def test_a_call_is_a_span_in_its_step_and_as_long_as_it_took() -> None:
    told, step = Heard(OPENED, call(), StepEnded(Done())).spans
    assert (told.name, told.kind) == ("chat claude-haiku-4-5", SpanKind.CLIENT)
    assert told.parent == step.get_span_context()
    assert (told.start_time, told.end_time) == (NOW + A_SECOND // 2, NOW + A_SECOND)
    assert told.attributes == MODEL | {
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_creation.input_tokens": 300,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "kclassify.probe": False,
        "kclassify.cost": 0.0025,
    }
    assert told.status.status_code is StatusCode.UNSET


def test_a_step_is_in_the_span_that_is_current() -> None:
    heard = Heard()
    with heard.tracers.get_tracer("job").start_as_current_span("job") as job:
        heard.tell(OPENED, call(), StepEnded(Done()))
    told, step, _ = heard.spans
    assert step.parent == job.get_span_context()
    assert told.parent == step.get_span_context()


def test_a_step_is_the_current_span_until_it_ends() -> None:
    heard = Heard()
    with heard.tracers.get_tracer("job").start_as_current_span("job") as job:
        heard.tell(OPENED)
        during = get_current_span()
        heard.tell(StepEnded(Done()))
        assert get_current_span() == job
    assert during.get_span_context() == heard.spans[0].get_span_context()
    assert get_current_span() == INVALID_SPAN


def test_a_call_is_in_its_step_wherever_it_is_told_of() -> None:
    heard = Heard(OPENED)
    attach(Context())
    heard.tell(call(), StepEnded(Done()))
    told, step = heard.spans
    assert told.parent == step.get_span_context()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (OutcomeKind.TIMED_OUT, "timed_out"),
        (OutcomeKind.INVALID, "invalid"),
        (OutcomeKind.TOO_LONG, "too_long"),
        (None, "halt"),
    ],
)
def test_a_call_that_failed_says_how(kind: OutcomeKind | None, error: str) -> None:
    (told,) = Heard(OPENED, call(kind)).spans
    assert told.attributes is not None
    assert told.attributes["error.type"] == error
    assert (told.status.status_code, told.status.description) == (StatusCode.ERROR, None)


def test_a_call_that_was_given_up_is_no_halt() -> None:
    cut = CallEnded(None, 5.0, Usage(), 0, probe=False, cost=0, uncertain=5_000_000, cut=True)
    heard = Heard(OPENED, cut)
    (told,) = heard.spans
    assert (told.attributes or {})["error.type"] == "cut"
    assert heard.total("kclassify.cost.uncertain") == 0.005


@pytest.mark.parametrize("kind", [OutcomeKind.JUDGED, OutcomeKind.ABSTAINED])
def test_an_answer_is_no_error(kind: OutcomeKind) -> None:
    (told,) = Heard(OPENED, call(kind)).spans
    assert "error.type" not in (told.attributes or {})
    assert told.status.status_code is StatusCode.UNSET


def test_what_a_call_may_cost_beside_is_told_and_an_unknown_cost_is_not() -> None:
    lost = CallEnded(OutcomeKind.TIMED_OUT, 30.0, Usage(), 1, probe=True, uncertain=5_000_000)
    (told,) = Heard(OPENED, lost).spans
    assert told.attributes is not None
    assert told.attributes["kclassify.cost.uncertain"] == 0.005
    assert "kclassify.cost" not in told.attributes
    assert told.attributes["kclassify.probe"] is True


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (Advance(3), "advance"),
        (Snooze(5, "the provider is away"), "snooze"),
        (Superseded("another"), "superseded"),
    ],
)
def test_a_step_says_what_it_decided_and_not_why(decision: Decision, told: str) -> None:
    (step,) = Heard(OPENED, StepEnded(decision)).spans
    assert (step.attributes or {})["kclassify.decision"] == told
    assert "away" not in step.to_json()


def test_a_halt_is_an_error_without_its_reason() -> None:
    (step,) = Heard(OPENED, StepEnded(Halt("the key is wrong"))).spans
    assert (step.attributes or {})["kclassify.decision"] == "halt"
    assert step.status.status_code is StatusCode.ERROR
    assert "wrong" not in step.to_json()


def test_a_step_that_raises_is_over_and_says_what_it_raised() -> None:
    heard = Heard(OPENED, StepFailed("DatabaseError"))
    (step,) = heard.spans
    assert (step.attributes or {})["error.type"] == "DatabaseError"
    assert step.status.status_code is StatusCode.ERROR
    assert not get_current_span().is_recording()
    assert [point.value for point in heard.points("kclassify.in_flight")] == [0]


def test_what_happens_in_a_step_is_told_in_it() -> None:
    events: list[Event] = [
        ConcurrencyChanged(8, "as asked"),
        Snoozing(60, "the provider is away"),
        BatchChanged("msgbatch_1", BatchStatus.SENT, 300),
    ]
    (step,) = Heard(OPENED, *events, StepEnded(Done())).spans
    told = [(event.name, dict(event.attributes or {})) for event in step.events]
    assert told == [
        ("kclassify.concurrency", {"limit": 8}),
        ("kclassify.snooze", {"seconds": 60}),
        ("kclassify.batch", {"id": "msgbatch_1", "status": "sent", "requests": 300}),
    ]
    assert [event.timestamp for event in step.events] == [NOW + n * A_SECOND for n in (1, 2, 3)]


def test_a_step_that_told_of_no_end_is_over_when_the_next_begins() -> None:
    heard = Heard(OPENED, call(), OPENED, StepEnded(Done()))
    assert [span.name for span in heard.spans] == [
        "chat claude-haiku-4-5",
        "kclassify dry_run",
        "kclassify dry_run",
    ]
    assert (heard.spans[1].attributes or {}).get("kclassify.decision") is None


def test_a_worker_that_finds_the_run_held_has_no_span() -> None:
    assert Heard(StepEnded(Superseded("another"))).spans == []
