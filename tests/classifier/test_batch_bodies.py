"""A request of a batch asks exactly what the direct call asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.batch import custom_id
from kclassify.core.item import Item
from kclassify.prompt import Prompt
from kclassify.testing.hostile import HOSTILE_TEXTS
from tests.classifier.batching import NONCE, batches_of, batching
from tests.classifier.canned import message_body
from tests.classifier.endpoints import Canned, batch_body, endpoints
from tests.classifier.taxonomy import ITEM, TAXONOMY

if TYPE_CHECKING:
    from kclassify.core.batch import BatchRequest

HOSTILE = [text.text for text in HOSTILE_TEXTS if text.kind != "size"][::2]
ITEMS = {
    "an item": ITEM,
    "no title": Item(key=1, body="a body"),
    "a long body": Item(key=1, title="long " * 200, body="word " * 20_000),
    "another tongue": Item(key=1, body="Ключ меняют так: 鍵を回す. \u2028 \x00 \ud800 \U0001f511"),
    "its own place": Item(key=1, body='"the place of an item 5c3f1e9a0b7d4286"'),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "may abstain": {"may_abstain": True},
    "an hour": {"cache": "1h"},
    "no cache": {"cache": "off", "max_tokens": 77, "instructions": 'Sort "these".\n'},
}


async def directly(items: list[Item], **settings: Any) -> list[bytes]:
    """The bytes of the two questions about each item, the first of which gets no usable reply."""
    path = "POST /v1/messages"
    with endpoints({path: Canned.of(message_body("prose"))}) as server:
        async with batching(server.url, **settings) as classifier:
            for item in items:
                await classifier.judge(item)
        return [body for _, body in server.asked]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
async def test_both_questions_are_those_of_the_direct_call_to_the_byte(
    settings: dict[str, Any],
) -> None:
    batches = batches_of(batching(**settings))
    items = list(ITEMS.values())
    asked = [batches.request(item, again=again).body for item in items for again in (False, True)]
    assert asked == await directly(items, **settings)


async def test_hostile_texts_are_sent_as_the_direct_call_sends_them() -> None:
    items = [Item(key=1, title=text[:200], body=text) for text in HOSTILE if text.strip()]
    batches = batches_of(batching())
    asked = [batches.request(item, again=again).body for item in items for again in (False, True)]
    assert asked == await directly(items)


BATCHES = batches_of(batching())


@given(st.text(min_size=1), st.text())
def test_whatever_the_text_the_body_holds_it_and_nothing_else_changes(
    body: str, title: str
) -> None:
    item = Item(key=1, title=title, body=body)
    said = json.loads(BATCHES.request(item).body)
    other = json.loads(BATCHES.request(ITEM).body)
    assert said.pop("messages") == [{"role": "user", "content": Prompt(TAXONOMY).render(item).user}]
    del other["messages"]
    assert said == other


def test_a_request_is_named_by_its_item_and_costs_at_most_half_of_a_direct_question() -> None:
    classifier = batching()
    request = batches_of(classifier).request(ITEM)
    both, once = classifier.worst_case(ITEM), request.worst
    assert request.digest == ITEM.digest
    assert both is not None
    assert once is not None
    assert both / 6 < once < both / 4


def test_what_has_no_price_has_no_worst_case() -> None:
    assert batches_of(batching(model="claude-nobody-knows")).request(ITEM).worst is None


async def test_a_batch_goes_out_with_the_bodies_as_they_are() -> None:
    items = [Item(key=i, body=f"text {i} " * 3_000) for i in range(60)]
    with endpoints({"POST /v1/messages/batches": Canned.of(batch_body())}) as server:
        async with batching(server.url) as classifier:
            requests = [batches_of(classifier).request(item) for item in items]
            await batches_of(classifier).create(requests, NONCE)
        ((_, sent),) = server.asked
    entries = ",".join(_entry(request) for request in requests)
    assert sent.decode() == f'{{"requests":[{entries}]}}'
    around = sum(request.size for request in requests) - len(sent)
    assert 0 <= around <= 20 * len(requests)


async def test_no_batch_is_larger_than_its_requests_say() -> None:
    with endpoints({"POST /v1/messages/batches": Canned.of(batch_body())}) as server:
        async with batching(server.url) as classifier:
            request = batches_of(classifier).request(ITEM)
            await batches_of(classifier).create([request], NONCE)
        ((_, sent),) = server.asked
    assert request.size == len(sent)


def _entry(request: BatchRequest) -> str:
    return f'{{"custom_id":"{custom_id(NONCE, request.digest)}","params":{request.body.decode()}}}'
