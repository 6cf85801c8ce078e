from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from kclassify.testing import (
    BrokenJson,
    Fault,
    Overloaded,
    Refusal,
    Rule,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    Truncation,
    Unauthorized,
    UnknownModel,
)
from tests.testing.asking import LABELS, MODEL, fenced, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai.types.chat import ChatCompletion

JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "Verdict", "schema": schema()}}
TOOL = {"type": "function", "function": {"name": "Verdict", "parameters": schema()}}
FORCED = {"type": "function", "function": {"name": "Verdict"}}


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Rule(lambda text, labels: (labels[len(text) % len(labels)], 0.5))) as stub:
        yield stub


def complete(stub: StubMessagesAPI, system: str = "Be brief.", **format_: Any) -> ChatCompletion:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": fenced("four")}]
    arguments: dict[str, Any] = {"model": MODEL, "messages": messages, **format_}
    with openai.OpenAI(base_url=f"{stub.url}/v1", api_key="sk-secret", max_retries=0) as client:
        completion: ChatCompletion = client.chat.completions.create(**arguments)
    return completion


EXPECTED = {"label": LABELS[4 % len(LABELS)], "confidence": 0.5}


def test_a_json_schema_is_answered_in_the_text(stub: StubMessagesAPI) -> None:
    completion = complete(stub, response_format=JSON_SCHEMA)
    (choice,) = completion.choices
    assert json.loads(choice.message.content or "") == EXPECTED
    assert (choice.finish_reason, completion.model) == ("stop", MODEL)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == len("Be brief." + fenced("four")) // 4
    assert completion.usage.completion_tokens == len(choice.message.content or "") // 4


def test_a_function_is_called_with_the_answer(stub: StubMessagesAPI) -> None:
    (choice,) = complete(stub, tools=[TOOL], tool_choice=FORCED).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("Verdict", EXPECTED)


def test_plain_json_mode_takes_the_schema_from_the_instructions(stub: StubMessagesAPI) -> None:
    system = f"Answer {{as JSON}} by this schema:\n{json.dumps(schema(), indent=2)}\nNot it itself."
    (choice,) = complete(stub, system, response_format={"type": "json_object"}).choices
    assert json.loads(choice.message.content or "") == EXPECTED


@pytest.mark.parametrize(
    ("fault", "exception", "status", "code"),
    [
        (Throttled(7), openai.RateLimitError, 429, None),
        (SpendLimit(), openai.RateLimitError, 429, "enforced_spend_limit_reached"),
        (Overloaded(), openai.InternalServerError, 529, None),
        (Unauthorized(), openai.AuthenticationError, 401, None),
        (UnknownModel(), openai.NotFoundError, 404, None),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_refusal_with_a_status_reaches_the_sdk_as_its_exception(
    stub: StubMessagesAPI,
    fault: Fault,
    exception: type[openai.APIStatusError],
    status: int,
    code: str | None,
) -> None:
    stub.set_fault(fault)
    with pytest.raises(exception) as caught:
        complete(stub, response_format=JSON_SCHEMA)
    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_a_refusal_is_in_the_field_of_that_name(stub: StubMessagesAPI) -> None:
    stub.set_fault(Refusal())
    (choice,) = complete(stub, response_format=JSON_SCHEMA).choices
    assert choice.message.refusal
    assert choice.message.content is None


@pytest.mark.parametrize("fault", [Truncation(), BrokenJson()], ids=lambda fault: fault.kind)
def test_spoilt_arguments_are_no_json(stub: StubMessagesAPI, fault: Fault) -> None:
    stub.set_fault(fault)
    (choice,) = complete(stub, tools=[TOOL], tool_choice=FORCED).choices
    assert choice.finish_reason == ("length" if fault == Truncation() else "tool_calls")
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.function.arguments)


async def test_the_asynchronous_client_is_answered_too(stub: StubMessagesAPI) -> None:
    client = openai.AsyncOpenAI(base_url=f"{stub.url}/v1", api_key="sk-secret", max_retries=0)
    asked: dict[str, Any] = {"model": MODEL, "response_format": JSON_SCHEMA}
    async with client:
        completion: ChatCompletion = await client.chat.completions.create(
            messages=[{"role": "user", "content": fenced("four")}], **asked
        )
    assert json.loads(completion.choices[0].message.content or "") == EXPECTED
    assert stub.requests[0].has_key
