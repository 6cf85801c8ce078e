from __future__ import annotations

import pytest

from kclassify import Done, Halt, OutcomeKind, Snooze, Usage
from kclassify.core.batch import BatchStatus
from kclassify.core.spending import Charge
from kclassify.events import BatchChanged, CallEnded, Checkpointed, Snoozing, StepEnded
from tests.telemetry.heard import MODEL, OPENED, RUN, Heard, call


def test_the_tokens_of_a_call_are_measured_as_the_conventions_say() -> None:
    heard = Heard(OPENED, call(), call())
    points = {each.attributes["gen_ai.token.type"]: each for each in heard.points(TOKENS)}
    assert points.keys() == {"input", "output"}
    assert (points["input"].count, points["input"].sum) == (2, 2000)
    assert (points["output"].count, points["output"].sum) == (2, 40)
    assert points["input"].attributes == MODEL | {"gen_ai.token.type": "input"}
    assert list(points["input"].explicit_bounds) == [4**power for power in range(14)]


def test_the_time_of_a_call_is_measured_as_the_conventions_say() -> None:
    heard = Heard(OPENED, call(), call(OutcomeKind.THROTTLED, Usage()))
    points = {each.attributes.get("error.type"): each for each in heard.points(SECONDS)}
    assert points.keys() == {None, "throttled"}
    assert (points[None].count, points[None].sum) == (1, 0.5)
    assert points["throttled"].attributes == MODEL | {"error.type": "throttled"}
    bounds = list(points[None].explicit_bounds)
    assert bounds == pytest.approx([0.01 * 2**power for power in range(14)])


def test_a_call_without_a_bill_has_no_tokens() -> None:
    assert Heard(OPENED, call(OutcomeKind.UNAVAILABLE, Usage())).points(TOKENS) == []


def test_dollars_and_tokens_add_up_over_calls_and_batches() -> None:
    charge = Charge(40, 0.0, Usage(1000, 200, 0, 5000), 12_000_000, 0, 3_000_000)
    read = BatchChanged("msgbatch_1", BatchStatus.READ, 40, charge=charge)
    lost = CallEnded(OutcomeKind.TIMED_OUT, 30.0, Usage(), 1, probe=False, uncertain=5_000_000)
    heard = Heard(OPENED, call(), call(), lost, read)
    costs = heard.values("kclassify.cost", "kclassify.transport")
    assert costs == {"direct": pytest.approx(0.005), "batch": pytest.approx(0.012)}
    uncertain = heard.values("kclassify.cost.uncertain", "kclassify.transport")
    assert uncertain == {"direct": pytest.approx(0.005), "batch": pytest.approx(0.003)}
    tokens = {
        (each.attributes["kclassify.transport"], each.attributes["kclassify.token.type"]): (
            each.value
        )
        for each in heard.points("kclassify.tokens")
    }
    assert tokens == {
        ("direct", "input"): 200,
        ("direct", "output"): 40,
        ("direct", "cache_write"): 600,
        ("direct", "cache_read"): 1200,
        ("batch", "input"): 1000,
        ("batch", "output"): 200,
        ("batch", "cache_read"): 5000,
    }
    about = heard.points("kclassify.cost")[0].attributes
    assert about.items() >= (RUN | MODEL).items()


def test_items_are_counted_by_outcome_and_by_what_became_of_them() -> None:
    settled = Checkpointed(9, 9, {}, {"judged": 6, "timed out": 3}, {"same": 5, "failed": 4}, 2)
    heard = Heard(OPENED, settled, settled)
    assert heard.values("kclassify.items", "kclassify.outcome") == {"judged": 12, "timed_out": 6}
    assert heard.values("kclassify.actions", "kclassify.action") == {"same": 10, "failed": 8}
    assert heard.total("kclassify.recalled") == 4


def test_snoozes_are_counted_whoever_waits() -> None:
    heard = Heard(OPENED, Snoozing(60, "away"), StepEnded(Snooze(60, "away")))
    heard.tell(OPENED, StepEnded(Halt("away for too long")))
    assert heard.total("kclassify.snoozes") == 2


def test_the_calls_in_flight_are_those_of_the_moment() -> None:
    heard = Heard(OPENED, call())
    assert [each.value for each in heard.points("kclassify.in_flight")] == [4]
    heard.tell(StepEnded(Done()))
    assert [each.value for each in heard.points("kclassify.in_flight")] == [0]


def test_batches_are_counted_by_status() -> None:
    changes = [BatchChanged("a", status, 9) for status in (BatchStatus.SENT, BatchStatus.ENDED)]
    heard = Heard(OPENED, *changes, BatchChanged("b", BatchStatus.SENT, 9))
    by_status = heard.values("kclassify.batches", "kclassify.batch.status")
    assert by_status == {"sent": 2, "ended": 1}


TOKENS = "gen_ai.client.token.usage"
SECONDS = "gen_ai.client.operation.duration"
