"""Rate limits over HTTP, on a clock of the test's own."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import anthropic
import pytest

from kclassify.testing import Fixed, FixedLatency, Overloaded, StubMessagesAPI, plans
from tests.testing.asking import arguments, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.testing import FaultPlan

START = "anthropic-ratelimit"


class Stub:
    """A stub on a clock that moves by hand, and the headers of what it says."""

    def __init__(self, plan: FaultPlan) -> None:
        self.now = 500.0
        self.api = StubMessagesAPI(Fixed("pattern"), plan=plan, clock=lambda: self.now)

    def ask(self) -> tuple[int, Mapping[str, str]]:
        with anthropic.Anthropic(base_url=self.api.url, api_key="made-up", max_retries=0) as client:
            try:
                response = client.messages.with_raw_response.create(**arguments())
            except anthropic.APIStatusError as error:
                return error.status_code, error.response.headers
            return 200, response.headers


def seconds_to_reset(headers: Mapping[str, str], name: str = "requests") -> float:
    reset = datetime.fromisoformat(headers[f"{START}-{name}-reset"])
    return (reset - parsedate_to_datetime(headers["date"])).total_seconds()


def test_requests_are_counted_on_the_stubs_clock() -> None:
    stub = Stub(plans.rate_limited(30, burst=2))
    with stub.api:
        assert [stub.ask()[0] for _ in range(3)] == [200, 200, 429]
        stub.now += 1.9
        assert stub.ask()[0] == 429
        stub.now += 0.1
        assert [stub.ask()[0] for _ in range(2)] == [200, 429]
    assert stub.api.state.outcomes == {"answered": 3, "rate_limited": 3}


def test_every_reply_says_what_is_left() -> None:
    stub = Stub(plans.rate_limited(60, burst=3))
    with stub.api:
        told = [stub.ask() for _ in range(4)]
    assert [status for status, _ in told] == [200, 200, 200, 429]
    assert [headers[f"{START}-requests-remaining"] for _, headers in told] == ["2", "1", "0", "0"]
    assert {headers[f"{START}-requests-limit"] for _, headers in told} == {"60"}
    waits = [seconds_to_reset(headers) for _, headers in told]
    assert waits == pytest.approx([1, 2, 3, 3], abs=1)
    assert [headers.get("retry-after") for _, headers in told] == [None, None, None, "1"]


def test_who_waits_as_told_is_let_in() -> None:
    stub = Stub(plans.rate_limited(7, burst=1))
    with stub.api:
        stub.ask()
        _, headers = stub.ask()
        stub.now += int(headers["retry-after"])
        assert headers["retry-after"] == "9"
        assert stub.ask()[0] == 200


def test_a_429_is_worded_as_the_real_one() -> None:
    stub = Stub(plans.rate_limited(1, burst=1))
    with stub.api:
        ask(stub.api)
        with pytest.raises(anthropic.RateLimitError, match="of 1 requests per minute") as caught:
            ask(stub.api)
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["error"]["type"] == "rate_limit_error"


def test_tokens_are_counted_as_the_usage_tells_them() -> None:
    stub = Stub(plans.rate_limited(input_tokens_per_minute=20_000, output_tokens_per_minute=5000))
    with stub.api:
        usage = ask(stub.api, "word " * 4000).usage
        _, headers = stub.ask()
    assert 5000 < usage.input_tokens < 5500
    assert headers[f"{START}-input-tokens-remaining"] == "15000"
    assert headers[f"{START}-output-tokens-remaining"] == "5000"
    assert headers[f"{START}-tokens-limit"] == "25000"
    assert headers[f"{START}-tokens-remaining"] == "20000"


def test_the_same_text_is_refused_once_its_tokens_are_spent() -> None:
    stub = Stub(plans.rate_limited(input_tokens_per_minute=6000))
    with stub.api:
        ask(stub.api, "word " * 4000)
        with pytest.raises(anthropic.RateLimitError, match="6,000 input tokens per minute"):
            ask(stub.api, "word " * 4000)
        stub.now += 60
        ask(stub.api, "word " * 4000)


def test_answers_are_counted_once_they_are_known() -> None:
    stub = Stub(plans.rate_limited(output_tokens_per_minute=1))
    with stub.api:
        assert ask(stub.api).usage.output_tokens > 5
        assert [stub.ask()[0] for _ in range(2)] == [429, 429]


def test_a_fault_is_counted_too_and_says_what_is_left() -> None:
    stub = Stub(plans.rate_limited(60) + plans.outage(0, 10))
    with stub.api:
        status, headers = stub.ask()
    assert (status, headers[f"{START}-requests-remaining"]) == (529, "59")


def test_a_request_that_is_refused_takes_no_entry_of_the_script() -> None:
    stub = Stub(plans.rate_limited(60, burst=1))
    with stub.api:
        stub.ask()
        stub.api.script([Overloaded()])
        assert stub.ask()[0] == 429
        stub.now += 1
        assert stub.ask()[0] == 529


def test_without_limits_nothing_is_said_of_any() -> None:
    stub = Stub(plans.flaky(0.0))
    with stub.api:
        _, headers = stub.ask()
    assert not [name for name in headers if "ratelimit" in name]


def test_a_stub_that_is_started_again_counts_anew() -> None:
    stub = Stub(plans.rate_limited(1, burst=1))
    for _ in range(2):
        with stub.api:
            assert [stub.ask()[0] for _ in range(2)] == [200, 429]


def test_a_refusal_is_quick_though_answers_take_their_time() -> None:
    plan = plans.rate_limited(1, burst=1)
    latency = FixedLatency(0.4)
    with StubMessagesAPI(Fixed("pattern"), plan=plan, latency=latency) as stub:
        ask(stub)
        with pytest.raises(anthropic.RateLimitError):
            ask(stub, timeout=0.3)
