"""What reaches the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.classifier import Classifier
from kclassify.core.item import Item
from kclassify.core.verdict import OutcomeKind
from kclassify.prompt import Prompt
from kclassify.testing import WrongLabel
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic

if TYPE_CHECKING:
    from kclassify.core.decision import Halt
    from kclassify.core.verdict import Outcome
    from kclassify.testing import StubMessagesAPI

LABELS = ["playbook", "insight", "quote"]


async def body_of(stub: StubMessagesAPI, item: Item = ITEM, **settings: Any) -> dict[str, Any]:
    await judge(stub, item, **settings)
    body = stub.requests[-1].body
    assert body is not None
    return dict(body)


async def judge(stub: StubMessagesAPI, item: Item = ITEM, **settings: Any) -> Outcome[Topic] | Halt:
    path = "" if "model" not in settings else "/v1"
    async with Classifier(TAXONOMY, base_url=stub.url + path, api_key=KEY, **settings) as made:
        return await made.judge(item)


async def test_the_closed_enum_is_in_the_body_that_anthropic_gets(stub: StubMessagesAPI) -> None:
    body = await body_of(stub)
    schema = body["output_config"]["format"]["schema"]
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert schema["properties"]["label"]["enum"] == LABELS
    assert schema["properties"]["confidence"]["type"] == "number"
    assert not {"minimum", "maximum"} & schema["properties"]["confidence"].keys()
    assert schema["required"] == ["label", "confidence"]
    assert schema["additionalProperties"] is False
    assert "tools" not in body
    assert body["model"] == "claude-haiku-4-5"
    assert body["max_tokens"] == 1024


@pytest.mark.parametrize("model", ["openai/gpt-x", "ollama/llama3.2", "ollama/other"])
async def test_the_closed_enum_is_in_the_body_that_a_compatible_server_gets(
    stub: StubMessagesAPI, model: str
) -> None:
    body = await body_of(stub, model=model)
    asked = body["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["strict"] is True
    assert asked["json_schema"]["schema"]["properties"]["label"]["enum"] == LABELS
    assert asked["json_schema"]["schema"]["additionalProperties"] is False
    assert body["model"] == model.partition("/")[2]
    assert body["max_tokens"] == 1024
    assert stub.requests[-1].path == "/v1/chat/completions"


async def test_null_is_on_offer_only_where_the_classifier_may_abstain(
    stub: StubMessagesAPI,
) -> None:
    body = await body_of(stub, may_abstain=True)
    label = body["output_config"]["format"]["schema"]["properties"]["label"]
    assert [kind.get("enum", kind["type"]) for kind in label["anyOf"]] == [LABELS, "null"]
    assert "null" not in json.dumps(await body_of(stub))


@pytest.mark.parametrize("settings", [{}, {"model": "openai/gpt-x"}], ids=["anthropic", "openai"])
async def test_the_messages_arrive_as_they_were_rendered(
    stub: StubMessagesAPI, settings: dict[str, Any]
) -> None:
    body = await body_of(stub, **settings)
    rendered = Prompt(TAXONOMY).render(ITEM)
    assert body["messages"][-1] == {"role": "user", "content": rendered.user}
    system = body["system"][0]["text"] if not settings else body["messages"][0]["content"]
    assert system == rendered.system


async def test_the_current_label_never_reaches_the_wire(stub: StubMessagesAPI) -> None:
    current = Item(key=1, body="text", current="a-label-that-is-nowhere-else")
    assert "nowhere-else" not in json.dumps(await body_of(stub, current))


async def test_text_that_no_encoding_takes_is_still_sent(stub: StubMessagesAPI) -> None:
    outcome = await judge(stub, Item(key=1, title="\udc80", body="a \ud800 b \x00 c"))
    assert getattr(outcome, "kind", None) is OutcomeKind.JUDGED


async def test_instructions_and_the_cut_are_settings(stub: StubMessagesAPI) -> None:
    long = Item(key=1, body="word " * 100)
    outcome = await judge(stub, long, instructions="Sort these.", max_body_chars=50)
    body = stub.requests[-1].body
    assert body is not None
    assert body["system"][0]["text"].startswith("Sort these.")
    assert "[cut: 451 characters not shown]" in body["messages"][0]["content"]
    assert getattr(outcome, "body_chars_cut", 0) == 451


@pytest.mark.parametrize("settings", [{}, {"model": "openai/gpt-x"}], ids=["anthropic", "openai"])
async def test_the_second_question_says_what_was_wrong_with_the_first_reply(
    stub: StubMessagesAPI, settings: dict[str, Any]
) -> None:
    stub.script([WrongLabel("tip")])
    outcome = await judge(stub, **settings)
    assert getattr(outcome, "kind", None) is OutcomeKind.JUDGED
    first, second = (record.body or {} for record in stub.requests)
    assert second["messages"][:-1] == first["messages"]
    assert second["messages"][-1]["role"] == "user"
    assert "its label is not an active category" in second["messages"][-1]["content"]
    rest = [{k: v for k, v in body.items() if k != "messages"} for body in (first, second)]
    assert rest[0] == rest[1]


async def test_the_key_goes_with_every_request_and_into_no_body(stub: StubMessagesAPI) -> None:
    assert KEY not in json.dumps(await body_of(stub))
    assert stub.requests[-1].has_key
