"""That what all items share is marked to be cached, in the bodies that reach the server."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kclassify.classifier import Classifier
from kclassify.core.item import Item
from kclassify.core.taxonomy import Category, Taxonomy
from kclassify.core.token_estimate import approximate_tokens
from kclassify.core.verdict import Outcome
from kclassify.testing import Fixed, StubMessagesAPI, WrongLabel
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic
from tests.flat_price import flat_price

EXAMPLES = ("Rotate the key: first this, then that.", "Restore a backup in five steps.")
WITH_EXAMPLES = Taxonomy.of(
    Topic,
    definitions={
        Topic.PLAYBOOK: Category(
            name="playbook", definition="an ordered procedure", examples=EXAMPLES
        ),
        Topic.INSIGHT: "a lesson",
        Topic.QUOTE: "what somebody said",
    },
)
NOWHERE = "http://x.invalid"
ORDINARY = {"type": "ephemeral"}
AN_HOUR = {"type": "ephemeral", "ttl": "1h"}


async def bodies(
    stub: StubMessagesAPI, *items: Item, taxonomy: Taxonomy[Topic] = TAXONOMY, **settings: Any
) -> list[dict[str, Any]]:
    stub.clear()
    url = f"{stub.url}/v1" if "model" in settings else stub.url
    async with Classifier(taxonomy, base_url=url, api_key=KEY, **settings) as made:
        for item in items:
            await made.judge(item)
    return [dict(record.body or {}) for record in stub.requests]


def marks(body: dict[str, Any]) -> list[object]:
    """The marks on the blocks of the system's text, in their order, None where there is none."""
    return [block.get("cache_control") for block in body["system"]]


@pytest.mark.parametrize(("settings", "mark"), [({}, ORDINARY), ({"cache": "1h"}, AN_HOUR)])
async def test_the_last_block_of_the_system_is_marked_and_nothing_else(
    stub: StubMessagesAPI, settings: dict[str, Any], mark: object
) -> None:
    (body,) = await bodies(stub, ITEM, **settings)
    assert marks(body) == [None, mark]
    assert json.dumps(body).count("cache_control") == 1


async def test_what_is_marked_is_the_same_for_all_items_and_questions(
    stub: StubMessagesAPI,
) -> None:
    stub.script([None, WrongLabel()])
    other = Item(key=2, body="Something else altogether.")
    first, *rest = await bodies(stub, ITEM, other)
    assert len(rest) == 2
    shared = [{k: v for k, v in body.items() if k != "messages"} for body in (first, *rest)]
    assert shared[0] == shared[1] == shared[2]
    assert first["messages"] != rest[0]["messages"]


async def test_schema_and_examples_are_within_what_is_cached(stub: StubMessagesAPI) -> None:
    (body,) = await bodies(stub, ITEM, taxonomy=WITH_EXAMPLES)
    *before, marked = [block["text"] for block in body["system"]]
    assert all(example in before[0] for example in EXAMPLES)
    assert '"enum"' in marked
    assert not any(example in str(body["messages"]) for example in EXAMPLES)


async def test_off_marks_nothing_and_says_the_same(stub: StubMessagesAPI) -> None:
    (off,) = await bodies(stub, ITEM, cache="off")
    (on,) = await bodies(stub, ITEM)
    assert "cache_control" not in json.dumps(off)
    del on["system"][-1]["cache_control"]
    assert off == on


async def test_providers_that_cache_by_themselves_are_not_asked_to(stub: StubMessagesAPI) -> None:
    (body,) = await bodies(stub, ITEM, model="openai/gpt-4o", cache="1h")
    assert "cache_control" not in json.dumps(body)


def test_what_is_cached_and_how_it_travels_changes_no_fingerprint() -> None:
    price = flat_price(min_cache_tokens=1)
    variants: list[dict[str, Any]] = [{}, {"cache": "1h"}, {"cache": "off"}]
    variants += [{"transport": "batch"}, {"price": price}]
    made = [Classifier(TAXONOMY, api_key=KEY, **each) for each in variants]
    assert len({one.fingerprint for one in made}) == 1


async def test_a_prefix_is_warm_for_as_long_as_it_lives_once_it_is_long_enough(
    stub: StubMessagesAPI,
) -> None:
    (body,) = await bodies(stub, ITEM)
    long = approximate_tokens("".join(block["text"] for block in body["system"]))
    assert warmth(price=flat_price(min_cache_tokens=long)) == (300.0, ())
    assert warmth(price=flat_price(min_cache_tokens=long), cache="1h") == (3600.0, ())
    assert warmth(price=flat_price(min_cache_tokens=long), cache="off") == (None, ())
    told = (
        f"the part of the prompt that all items share is about {long:,} tokens; "
        "claude-haiku-4-5 caches 4,096 or more: every call pays for all of it"
    )
    assert warmth() == (None, (told,))
    in_batches = told.replace("every call", "every request of a batch")
    assert warmth(transport="batch") == (None, (in_batches,))
    may_be_cached = int(long * 1.35)
    assert warmth(price=flat_price(min_cache_tokens=may_be_cached)) == (300.0, ())
    warm, advice = warmth(price=flat_price(min_cache_tokens=may_be_cached + 1))
    assert (warm, len(advice)) == (None, 1)
    assert warmth(cache="off") == (None, ())
    assert warmth(model="openai/gpt-4o") == (None, ())


def warmth(**settings: Any) -> tuple[float | None, tuple[str, ...]]:
    made = Classifier(TAXONOMY, base_url=NOWHERE, api_key=KEY, **settings)
    return made.warms_cache, made.advice


async def test_the_second_call_reads_what_the_first_one_wrote_and_pays_so_much_less() -> None:
    price = replace(flat_price("10"), cache_write=Decimal(20), cache_read=Decimal(1))
    with StubMessagesAPI(Fixed("playbook", 0.9), min_cache_tokens=1) as stub:
        made = Classifier(TAXONOMY, base_url=stub.url, api_key=KEY, price=price)
        async with made:
            first, second = await made.judge(ITEM), await made.judge(ITEM)
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    written, read = first.usage.cache_write_tokens, second.usage.cache_read_tokens
    assert written == read > 300
    assert first.usage.cache_read_tokens == second.usage.cache_write_tokens == 0
    rest = 10_000 * (first.usage.input_tokens + first.usage.output_tokens)
    assert first.cost == rest + 20_000 * written
    assert second.cost == rest + 1000 * read
