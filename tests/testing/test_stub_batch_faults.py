from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from kclassify.testing import (
    BatchRules,
    BrokenBody,
    FaultPlan,
    Fixed,
    Hang,
    LostReply,
    Overloaded,
    PlannedFault,
    Refusal,
    Reset,
    ResetAtOnce,
    Rule,
    StubMessagesAPI,
    Throttled,
    Trickle,
    calls_seen,
)
from tests.testing.asking import LABELS, arguments, ask
from tests.testing.test_stub_batches import client, requests
from tests.testing.test_stub_records import call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kclassify.testing import Fault

ENDPOINTS: dict[str, Callable[[anthropic.Anthropic, str], object]] = {
    "create": lambda asked, batch: asked.messages.batches.create(requests=requests("b")),
    "retrieve": lambda asked, batch: asked.messages.batches.retrieve(batch),
    "list": lambda asked, batch: asked.messages.batches.list(),
    "cancel": lambda asked, batch: asked.messages.batches.cancel(batch),
    "results": lambda asked, batch: asked.get(
        f"/v1/messages/batches/{batch}/results", cast_to=object
    ),
    "count": lambda asked, batch: asked.messages.count_tokens(
        model="any", messages=[{"role": "user", "content": "a"}]
    ),
}
CREATE = """
import sys, urllib.request
body = b'{"requests": [{"custom_id": "a", "params": {}}]}'
urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, {"x-api-key": "key"}))
"""


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Fixed("pattern"), batch_rules=BatchRules(seconds=None)) as stub:
        yield stub


FAULTS: list[tuple[Fault, type[Exception]]] = [
    (Overloaded(), anthropic.OverloadedError),
    (Throttled(7), anthropic.RateLimitError),
    (Hang(), anthropic.APITimeoutError),
    (LostReply(), anthropic.APITimeoutError),
    (ResetAtOnce(), anthropic.APIConnectionError),
    (Reset(), Exception),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_fails_as_it_is_told(stub: StubMessagesAPI, endpoint: str) -> None:
    stub.set_batch_rules(BatchRules(seconds=None, canceling_s=60))
    with client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests("a")).id
        if endpoint != "cancel":
            stub.end_batches()
        for fault, exception in FAULTS:
            stub.script([fault])
            with pytest.raises(exception):
                ENDPOINTS[endpoint](asked.with_options(timeout=0.1), batch)
            assert stub.requests[-1].outcome == fault.kind
        ENDPOINTS[endpoint](asked, batch)


def test_a_batch_whose_creation_is_not_confirmed_may_be_there(stub: StubMessagesAPI) -> None:
    lost: list[Fault] = [LostReply(), Reset(), ResetAtOnce(), Trickle(1), BrokenBody()]
    with client(stub) as asked:
        for number, fault in enumerate([*lost, Hang(), Overloaded()]):
            stub.script([fault])
            with pytest.raises(Exception):  # noqa: B017 # of many libraries
                asked.messages.batches.create(requests=requests("a"), timeout=0.1).id.title()
            assert len(stub.batches) == min(number + 1, len(lost)), fault


def test_a_client_that_is_killed_at_create_leaves_an_orphan(stub: StubMessagesAPI) -> None:
    stub.script([LostReply()])
    with subprocess.Popen(
        [sys.executable, "-c", CREATE, f"{stub.url}/v1/messages/batches"]
    ) as process:
        stub.wait_until(lambda state: state.in_flight == 1, timeout_s=30)
        process.kill()
    (orphan,) = stub.batches
    with client(stub) as asked:
        (found,) = asked.messages.batches.list()
    assert (found.id, orphan.custom_ids) == (orphan.id, ["a"])


def test_results_may_break_off_in_the_middle(stub: StubMessagesAPI) -> None:
    with client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests(*map(str, range(400))))
        stub.end_batches()
        stub.script([None, Reset()])
        got: list[str] = []
        with pytest.raises(Exception):  # noqa: B017, PT012
            for each in asked.messages.batches.results(batch.id):
                got.append(each.custom_id)  # noqa: PERF401 # what came before it broke off
        assert 0 < len(got) < 400
        assert len({each.custom_id for each in asked.messages.batches.results(batch.id)}) == 400


def test_a_spoilt_content_has_nothing_to_do_with_these_endpoints(stub: StubMessagesAPI) -> None:
    stub.set_fault(Refusal())
    with client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests("a"))
        stub.end_batches()
        (result,) = asked.messages.batches.results(batch.id)
    assert result.result.type == "succeeded"
    assert set(stub.state.outcomes) == {"answered"}


def test_a_share_of_a_batch_is_drawn_request_by_request() -> None:
    fault = PlannedFault(fault=Overloaded(), probability=0.3, endpoint="batch_request")
    plan = FaultPlan((fault,), seed=5)
    with StubMessagesAPI(Fixed("pattern"), plan=plan) as stub, client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests(*map(str, range(200))))
        assert 40 < asked.messages.batches.retrieve(batch.id).request_counts.errored < 80


def test_a_checker_is_told_of_each_request_of_a_batch_as_of_a_call() -> None:
    plan = FaultPlan((PlannedFault(fault=Overloaded(), contains="busy"),))
    now = 0.0
    with (
        StubMessagesAPI(Fixed("pattern"), plan=plan, clock=lambda: now) as stub,
        client(stub) as asked,
    ):
        batch = asked.messages.batches.create(requests=requests("fine", "busy"))
        now = 2.0
        asked.messages.batches.retrieve(batch.id)
        ask(stub)
        first, busy, alone = calls_seen(stub)
        over_http = call(f"{stub.url}/__stub__/batches")
    assert [one.answered for one in (first, busy, alone)] == [True, False, True]
    assert (first.at, alone.at, first.labels) == (0.0, 2.0, LABELS)
    assert first.digest == "0123456789abcdef"
    assert calls_seen(over_http) == [first, busy]
    assert [each["result"] for each in over_http[0]["requests"]] == ["succeeded", "errored"]


def test_other_processes_end_batches_over_http(stub: StubMessagesAPI) -> None:
    with client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests("a"))
        (ended,) = call(f"{stub.url}/__stub__/batches/end", None)
        assert (ended["id"], ended["status"]) == (batch.id, "ended")
        assert asked.messages.batches.retrieve(batch.id).processing_status == "ended"


def test_batches_outlive_a_stop_and_rules_change_for_those_that_have_not_ended() -> None:
    stub = StubMessagesAPI(Fixed("pattern"), batch_rules=BatchRules(seconds=None))
    with stub, client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests("a"))
    assert [each.status for each in stub.batches] == ["in_progress"]
    with stub, client(stub) as asked:
        assert asked.messages.batches.retrieve(batch.id).processing_status == "in_progress"
        stub.set_batch_rules(BatchRules(expire_share=1))
        assert asked.messages.batches.retrieve(batch.id).request_counts.expired == 1
    assert stub.bill.lines == ()


def test_replies_see_the_items_of_a_batch_in_the_thread_of_the_stub() -> None:
    seen: list[str] = []

    def rule(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
        seen.append(text)
        return labels[0], 0.5

    with StubMessagesAPI(Rule(rule), batch_rules=BatchRules(seconds=None)) as stub:
        with client(stub) as asked:
            asked.messages.batches.create(requests=requests("a", "b"))
        assert seen == []
        stub.end_batches()
        assert seen == ["a", "b"]
        (record,) = stub.batches
        given: Any = record.requests[0].params
    assert given == arguments("a")
