from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify import Classifier
from kclassify.classifier.rate_limit_headers import rate_limits
from kclassify.core.item import Item
from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Outcome, OutcomeKind
from tests.classifier.canned import canned, error_body
from tests.classifier.taxonomy import TAXONOMY

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_800_000_000.0  # 2027-01-15 08:00 GMT
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:02Z",
    "anthropic-ratelimit-input-tokens-limit": "50000",
    "anthropic-ratelimit-input-tokens-remaining": "0",
    "anthropic-ratelimit-input-tokens-reset": "2027-01-15T09:01:00.5+01:00",
}
OPENAI = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-tokens": "6m0s",
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": '{"label": "playbook", "confidence": 0.9}'}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}


def test_anthropics_limits_are_read_with_their_reset_from_now() -> None:
    assert rate_limits(ANTHROPIC, NOW) == (
        RateLimit("requests", 50, 49, 2.0),
        RateLimit("input-tokens", 50_000, 0, 60.5),
    )


def test_a_reset_is_taken_by_the_clock_of_the_server_that_names_it() -> None:
    headers = {**ANTHROPIC, "date": "Fri, 15 Jan 2027 07:59:58 GMT"}
    assert rate_limits(headers, NOW + 1_000_000)[0] == RateLimit("requests", 50, 49, 4.0)


def test_openais_limits_are_read_with_their_durations() -> None:
    assert rate_limits(OPENAI, NOW) == (
        RateLimit("requests", 60, 59, 1.0),
        RateLimit("tokens", 150_000, 149_984, 360.0),
    )


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("17ms", 0.017), ("1h2m3.5s", 3723.5), ("8.64s", 8.64), ("1d", 86_400.0), ("0s", 0.0)],
)
def test_durations(duration: str, seconds: float) -> None:
    [limit, _] = rate_limits({**OPENAI, "x-ratelimit-reset-requests": duration}, NOW)
    assert limit.resets_in_s == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1", "1s later", "2027-01-15T08:00:02Z"])
def test_what_is_no_duration_is_left_out(text: str) -> None:
    [limit] = rate_limits({**OPENAI, "x-ratelimit-reset-requests": text}, NOW)
    assert limit.name == "tokens"


texts = (
    st.text()
    | st.floats().map(str)
    | st.sampled_from(sorted({*ANTHROPIC.values(), *OPENAI.values()}))
)


@given(st.dictionaries(st.sampled_from([*ANTHROPIC, *OPENAI, "date"]), texts))
def test_any_headers_are_read_or_left_out(headers: dict[str, str]) -> None:
    assert all(limit.resets_in_s >= 0 for limit in rate_limits(headers, NOW))


async def asked(url: str, model: str) -> Outcome[str]:
    async with Classifier(TAXONOMY, model=model, api_key="k", base_url=url) as classifier:
        outcome = await classifier.judge(Item(key=1, body="text"))
    assert isinstance(outcome, Outcome)
    return outcome


def lasting(headers: Mapping[str, str]) -> dict[str, str]:
    """As if sent now: the server's own `date` is that of the test."""
    in_a_minute = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    return {k: in_a_minute if k.endswith("-reset") else v for k, v in headers.items()}


async def test_the_limits_of_an_answer_are_in_its_outcome() -> None:
    with canned(200, MESSAGE, lasting(ANTHROPIC)) as url:
        outcome = await asked(url, "anthropic/m")
    assert outcome.kind is OutcomeKind.JUDGED
    assert [(limit.name, limit.remaining) for limit in outcome.rate_limits] == [
        ("requests", 49),
        ("input-tokens", 0),
    ]
    assert all(57 <= limit.resets_in_s <= 62 for limit in outcome.rate_limits)


async def test_the_limits_of_a_throttled_call_are_in_its_outcome() -> None:
    body = error_body("rate_limit_error", "slow down")
    with canned(429, body, {**lasting(ANTHROPIC), "retry-after": "7"}) as url:
        outcome = await asked(url, "anthropic/m")
    assert (outcome.kind, outcome.retry_after_s) == (OutcomeKind.THROTTLED, 7.0)
    assert [limit.name for limit in outcome.rate_limits] == ["requests", "input-tokens"]


async def test_openais_limits_are_heard_too() -> None:
    with canned(429, {"error": {"message": "slow", "type": "requests"}}, OPENAI) as url:
        outcome = await asked(url, "openai/m")
    assert outcome.rate_limits == rate_limits(OPENAI, 0.0)


async def test_calls_at_the_same_time_hear_their_own_replies() -> None:
    outcomes: dict[str, Outcome[str]] = {}

    async def ask(url: str, name: str) -> None:
        outcomes[name] = await asked(url, "anthropic/m")

    with canned(200, MESSAGE, lasting(ANTHROPIC)) as limited, canned(200, MESSAGE) as unlimited:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(ask, limited, f"limited {number}")
                tasks.start_soon(ask, unlimited, f"unlimited {number}")
    assert {
        bool(outcome.rate_limits) == name.startswith("limited")
        for name, outcome in outcomes.items()
    } == {True}
