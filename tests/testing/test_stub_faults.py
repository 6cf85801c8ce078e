from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anthropic
import anyio
import pytest
from anthropic.types import shared

from kclassify.testing import (
    BadConfidence,
    BadRequest,
    BrokenBody,
    BrokenJson,
    Fault,
    Fixed,
    Forbidden,
    Hang,
    Overloaded,
    OverloadedAsApiError,
    Refusal,
    Reset,
    ServerError,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    TooLarge,
    Trickle,
    Truncation,
    Unauthorized,
    UnknownModel,
    WrongLabel,
)
from tests.testing.asking import MODEL, arguments, ask, ask_async, said

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSALS_WITH_A_STATUS: list[tuple[Fault, type[Exception], int, str]] = [
    (Throttled(), anthropic.RateLimitError, 429, "rate_limit_error"),
    (Overloaded(), anthropic.OverloadedError, 529, "overloaded_error"),
    (OverloadedAsApiError(), anthropic.InternalServerError, 500, "api_error"),
    (ServerError(), anthropic.InternalServerError, 500, "api_error"),
    (Unauthorized(), anthropic.AuthenticationError, 401, "authentication_error"),
    (Forbidden(), anthropic.PermissionDeniedError, 403, "permission_error"),
    (UnknownModel(), anthropic.NotFoundError, 404, "not_found_error"),
    (BadRequest("too odd"), anthropic.BadRequestError, 400, "invalid_request_error"),
    (TooLarge(), anthropic.RequestTooLargeError, 413, "request_too_large"),
]


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Fixed("playbook", 0.9)) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "exception", "status", "kind"),
    REFUSALS_WITH_A_STATUS,
    ids=[fault.kind for fault, *_ in REFUSALS_WITH_A_STATUS],
)
async def test_a_refusal_with_a_status_reaches_the_sdk_as_its_exception(
    stub: StubMessagesAPI,
    fault: Fault,
    exception: type[anthropic.APIStatusError],
    status: int,
    kind: str,
) -> None:
    stub.set_fault(fault)
    with pytest.raises(exception) as caught:
        await ask_async(stub)
    assert type(caught.value) is exception
    assert (caught.value.status_code, caught.value.type) == (status, kind)
    assert caught.value.error_code is None
    (record,) = stub.requests
    assert (record.outcome, record.status) == (fault.kind, status)


def test_throttling_sends_retry_after_only_when_it_has_one(stub: StubMessagesAPI) -> None:
    stub.script([Throttled(3600), Throttled(0.25), Throttled()])
    waits: list[str | None] = []
    for _ in range(3):
        with pytest.raises(anthropic.RateLimitError) as caught:
            ask(stub)
        waits.append(caught.value.response.headers.get("retry-after"))
    assert waits == ["3600", "0.25", None]


@pytest.mark.parametrize(
    ("fault", "exception"),
    [
        (SpendLimit("enforced_spend_limit_reached"), shared.EnforcedSpendLimitReachedError),
        (SpendLimit("contract_spend_limit_reached"), shared.ContractSpendLimitReachedError),
    ],
)
def test_a_spend_limit_is_a_429_whose_code_the_sdk_reads(
    stub: StubMessagesAPI, fault: SpendLimit, exception: type[anthropic.RateLimitError]
) -> None:
    stub.set_fault(fault)
    with pytest.raises(exception) as caught:
        ask(stub)
    assert caught.value.status_code == 429
    assert caught.value.error_code == fault.code


def test_messages_name_what_was_wrong(stub: StubMessagesAPI) -> None:
    stub.script([UnknownModel(), BadRequest("prompt is too long")])
    with pytest.raises(anthropic.NotFoundError, match=f"model: {MODEL}"):
        ask(stub)
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        ask(stub)


async def test_a_hang_lasts_until_the_client_gives_up(stub: StubMessagesAPI) -> None:
    stub.set_fault(Hang())
    async with anyio.create_task_group() as group:
        group.start_soon(ask_async, stub)
        await anyio.to_thread.run_sync(lambda: stub.wait_until(lambda state: state.in_flight == 1))
        group.cancel_scope.cancel()
    state = await anyio.to_thread.run_sync(
        lambda: stub.wait_until(lambda state: state.in_flight == 0)
    )
    assert state.outcomes == {"hang": 1}
    assert stub.requests[0].status is None


def test_a_hang_is_a_timeout_to_the_sdk(stub: StubMessagesAPI) -> None:
    stub.set_fault(Hang())
    with pytest.raises(anthropic.APITimeoutError):
        ask(stub, timeout=0.05)


def test_a_reset_in_mid_body_is_a_connection_error(stub: StubMessagesAPI) -> None:
    stub.set_fault(Reset())
    with pytest.raises(anthropic.APIConnectionError) as caught:
        ask(stub)
    assert not isinstance(caught.value, anthropic.APITimeoutError)
    assert stub.state.outcomes == {"reset": 1}


def test_a_trickle_arrives_whole_in_the_end(stub: StubMessagesAPI) -> None:
    stub.set_fault(Trickle(bytes_per_second=20_000))
    assert json.loads(said(ask(stub))) == {"label": "playbook", "confidence": 0.9}
    assert stub.answered == 0


async def test_a_trickle_outlasts_a_deadline_but_no_read_timeout(stub: StubMessagesAPI) -> None:
    stub.set_fault(Trickle(bytes_per_second=40))
    client = anthropic.AsyncAnthropic(base_url=stub.url, api_key="key", max_retries=0, timeout=0.2)
    async with client:
        with anyio.move_on_after(0.4) as deadline:
            await client.messages.create(**arguments())
    assert deadline.cancelled_caught


def test_broken_json_is_a_good_message_with_a_text_that_is_no_json(stub: StubMessagesAPI) -> None:
    stub.set_fault(BrokenJson())
    message = ask(stub)
    assert message.stop_reason == "end_turn"
    with pytest.raises(json.JSONDecodeError):
        json.loads(said(message))


def test_a_broken_body_is_no_json_at_all(stub: StubMessagesAPI) -> None:
    stub.set_fault(BrokenBody())
    with pytest.raises(json.JSONDecodeError):
        ask(stub)


def test_a_broken_body_sent_as_html_is_not_even_a_message(stub: StubMessagesAPI) -> None:
    stub.set_fault(BrokenBody(content_type="text/html"))
    assert not isinstance(ask(stub), anthropic.types.Message)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (WrongLabel("banana"), {"label": "banana", "confidence": 0.9}),
        (BadConfidence(1.7), {"label": "playbook", "confidence": 1.7}),
    ],
)
def test_a_wrong_answer_has_the_right_shape(
    stub: StubMessagesAPI, fault: Fault, answer: dict[str, object]
) -> None:
    stub.set_fault(fault)
    assert json.loads(said(ask(stub))) == answer
    assert stub.answered == 0


def test_a_refusal_is_a_200_without_content(stub: StubMessagesAPI) -> None:
    stub.set_fault(Refusal())
    message = ask(stub)
    assert (message.stop_reason, message.content) == ("refusal", [])


def test_a_truncation_stops_in_the_middle_of_the_json(stub: StubMessagesAPI) -> None:
    stub.set_fault(Truncation())
    message = ask(stub)
    assert message.stop_reason == "max_tokens"
    whole = json.dumps({"label": "playbook", "confidence": 0.9})
    assert said(message)
    assert whole.startswith(said(message))
    assert said(message) != whole


def test_the_script_goes_before_the_switch(stub: StubMessagesAPI) -> None:
    stub.set_fault(Overloaded())
    stub.script([None, Unauthorized()])
    assert ask(stub).stop_reason == "end_turn"
    with pytest.raises(anthropic.AuthenticationError):
        ask(stub)
    with pytest.raises(anthropic.OverloadedError):
        ask(stub)
    stub.set_fault(None)
    assert ask(stub).stop_reason == "end_turn"
    assert stub.state.outcomes == {"answered": 2, "unauthorized": 1, "overloaded": 1}
