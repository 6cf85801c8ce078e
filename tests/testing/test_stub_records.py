from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import anthropic
import pytest

from kclassify.testing import (
    Fixed,
    Hang,
    Overloaded,
    Rule,
    StubMessagesAPI,
    StubState,
    Throttled,
    Trickle,
)
from tests.testing.asking import MODEL, arguments, ask, schema


def call(url: str, body: object = ..., headers: dict[str, str] | None = None) -> Any:
    data = None if body is ... else json.dumps(body).encode()
    with urlopen(Request(url, data, headers or {}), timeout=10) as response:  # noqa: S310
        return json.load(response)


def test_a_record_holds_what_was_on_the_wire_but_never_the_key() -> None:
    with StubMessagesAPI(Fixed("pattern"), clock=lambda: 12.5) as stub:
        ask(stub)
        (record,) = stub.requests
    assert (record.index, record.path, record.received) == (0, "/v1/messages", 12.5)
    assert (record.outcome, record.status, record.in_flight) == ("answered", 200, 1)
    assert record.body is not None
    assert record.body["output_config"]["format"]["schema"] == schema()
    assert record.headers["user-agent"].startswith("Anthropic")
    assert record.has_key
    assert "sk-secret" not in repr(record)
    assert not {"x-api-key", "authorization"} & set(record.headers)


@pytest.mark.parametrize("name", ["X-Api-Key", "Authorization"])
def test_a_key_is_not_kept_in_whichever_header_it_comes(name: str) -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        call(f"{stub.url}/v1/messages", arguments(), {name: "sk-secret", "X-Other": "kept"})
        (record,) = stub.requests
        assert "sk-secret" not in json.dumps(call(f"{stub.url}/__stub__/requests"))
    assert "sk-secret" not in repr(record)
    assert (record.has_key, record.headers["x-other"]) == (True, "kept")


def test_a_request_without_a_key_is_refused_unless_that_is_allowed() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        with pytest.raises(HTTPError, match="401"):
            call(f"{stub.url}/v1/messages", arguments())
        assert [(r.outcome, r.has_key) for r in stub.requests] == [("unauthenticated", False)]
        call(f"{stub.url}/v1/messages", arguments(), {"Authorization": "Bearer token"})
    with StubMessagesAPI(Fixed("pattern"), require_key=False) as stub:
        assert call(f"{stub.url}/v1/messages", arguments())["model"] == MODEL


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": 0}, "max_tokens: "),
        ({"messages": []}, "messages: "),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: "),
        ({"stream": True}, "stream: "),
    ],
)
def test_a_malformed_request_is_a_400_that_names_the_field(
    changes: dict[str, object], message: str
) -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        request = json.dumps({**arguments(), **changes}).encode()
        client = anthropic.Anthropic(base_url=stub.url, api_key="key", max_retries=0)
        with client, pytest.raises(anthropic.BadRequestError, match=message):
            client.post("/v1/messages", content=request, cast_to=object)
        assert stub.state.outcomes == {"malformed": 1}


def test_a_body_that_is_no_json_is_kept_as_none() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        with pytest.raises(HTTPError, match="400"):
            call(f"{stub.url}/v1/messages", ["no", "object"], {"x-api-key": "key"})
        (record,) = stub.requests
    assert (record.body, record.outcome, record.status) == (None, "malformed", 400)


def test_a_body_over_the_limit_is_a_413() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        with pytest.raises(anthropic.RequestTooLargeError):
            ask(stub, "x" * (32 * 2**20 + 1))
        assert stub.state.outcomes == {"malformed": 1}


def test_only_the_newest_requests_are_kept() -> None:
    with StubMessagesAPI(Fixed("pattern"), keep=2) as stub:
        for _ in range(5):
            ask(stub)
        assert [record.index for record in stub.requests] == [3, 4]
        assert all(record.outcome == "answered" for record in stub.requests)
        assert (stub.count, stub.answered) == (5, 5)


def test_nothing_is_kept_when_only_counts_are_wanted() -> None:
    with StubMessagesAPI(Fixed("pattern"), keep=0) as stub:
        ask(stub)
        assert stub.requests == []
        assert stub.state == StubState(1, 1, 0, 1, {"answered": 1})


def test_requests_in_flight_are_counted_at_their_peak() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub, ThreadPoolExecutor(5) as pool:
        stub.set_fault(Hang())
        waiting = [pool.submit(ask, stub, timeout=60) for _ in range(5)]
        stub.wait_until(lambda state: state.in_flight == 5)
        assert all(record.outcome == "hang" for record in stub.requests)
        stub.pause_listening()
        stub.wait_until(lambda state: state.in_flight == 0)
        assert all(isinstance(w.exception(), anthropic.APIConnectionError) for w in waiting)
        assert stub.max_in_flight == 5
        assert sorted(record.in_flight for record in stub.requests) == [1, 2, 3, 4, 5]


def test_after_a_clear_what_was_in_flight_before_is_not_counted() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub, ThreadPoolExecutor(1) as pool:
        ask(stub)
        stub.set_fault(Trickle(1))
        waiting = pool.submit(ask, stub, timeout=60)
        stub.wait_until(lambda state: state.in_flight == 1)
        stub.clear()
        assert (stub.count, stub.requests, stub.max_in_flight) == (0, [], 1)
        stub.pause_listening()
        assert waiting.exception() is not None
        stub.wait_until(lambda state: state.in_flight == 0)
        stub.set_fault(None)
        stub.resume_listening()
        ask(stub)
        assert stub.state == StubState(1, 1, 0, 1, {"answered": 1})
        assert [record.index for record in stub.requests] == [0]


def test_waiting_in_vain_says_what_the_counts_were() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub, pytest.raises(TimeoutError, match="count=0"):
        stub.wait_until(lambda state: state.count == 1, timeout_s=0.01)


def test_replies_that_raise_are_a_500_that_is_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    def rule(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
        raise ZeroDivisionError

    with StubMessagesAPI(Rule(rule)) as stub:
        with pytest.raises(anthropic.InternalServerError):
            ask(stub)
        assert stub.state.outcomes == {"crashed": 1}
    assert "ZeroDivisionError" in caplog.text


def test_other_processes_read_counts_and_requests_over_http() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        ask(stub)
        state = call(f"{stub.url}/__stub__/state")
        assert (state["count"], state["answered"], state["in_flight"]) == (1, 1, 0)
        assert (state["max_in_flight"], state["outcomes"]) == (1, {"answered": 1})
        (record,) = call(f"{stub.url}/__stub__/requests")
        assert (record["has_key"], record["body"]["model"]) == (True, MODEL)
        assert call(f"{stub.url}/__stub__/clear", None)["count"] == 0
        assert stub.count == 0


def test_other_processes_switch_a_fault_on_and_off_over_http() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        url = f"{stub.url}/__stub__/fault"
        fault = {"kind": "throttled", "retry_after": 4}
        assert call(url, fault)["fault"] == fault
        with pytest.raises(anthropic.RateLimitError):
            ask(stub)
        assert call(url, None)["fault"] is None
        ask(stub)
        with pytest.raises(HTTPError) as caught:
            call(url, {"kind": "meteor"})
        assert caught.value.code == 400
        assert "meteor" in json.load(caught.value)["error"]
        stub.script([Overloaded(), Throttled()])
        with pytest.raises(anthropic.OverloadedError):
            ask(stub)
