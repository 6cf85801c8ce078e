"""What a provider is sent of hostile texts: one fence, and all of the item inside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from kclassify.classifier import Classifier
from kclassify.core.excerpt import excerpt
from kclassify.core.fence import fenced
from kclassify.core.item import Item
from kclassify.prompt import MAX_BODY_CHARS, MAX_TITLE_CHARS, Prompt
from kclassify.testing import StubMessagesAPI, extract_item
from kclassify.testing.hostile import HOSTILE_TEXTS, Obedient
from tests.classifier.taxonomy import KEY, TAXONOMY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TAG = re.compile(r"</?(?:item-[0-9a-f]{16}|title|body)>")
ITEMS = [Item(key=each.name, title=each.text, body=each.text) for each in HOSTILE_TEXTS]


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Obedient()) as running:
        yield running


async def ask_all(stub: StubMessagesAPI, items: Sequence[Item], **settings: Any) -> None:
    limit = anyio.CapacityLimiter(8)

    async def ask(item: Item) -> None:
        async with limit:
            await made.judge(item)

    async with (
        Classifier(TAXONOMY, base_url=stub.url, api_key=KEY, **settings) as made,
        anyio.create_task_group() as tasks,
    ):
        for item in items:
            tasks.start_soon(ask, item)


def sent(stub: StubMessagesAPI) -> dict[str, str]:
    """What was asked, by the name of its fence; the envelope is the same for all."""
    asked: dict[str, str] = {}
    for record in stub.requests:
        body = dict(record.body or {})
        (turn,) = body.pop("messages")
        assert turn["role"] == "user"
        assert body == envelope(body)
        asked[turn["content"].partition(">")[0].removeprefix("<item-")] = turn["content"]
    return asked


def envelope(body: dict[str, Any]) -> dict[str, Any]:
    """All of a request but the item: nothing of it may depend on the item."""
    labels = [str(label) for label in TAXONOMY.labels]
    assert set(body) == {"model", "max_tokens", "output_config", "system"}
    assert Prompt(TAXONOMY).system in str(body["system"]).replace("\\n", "\n").replace("\\'", "'")
    assert body["output_config"]["format"]["schema"]["properties"]["label"]["enum"] == labels
    return body


async def test_every_hostile_text_stays_inside_one_fence(stub: StubMessagesAPI) -> None:
    await ask_all(stub, ITEMS)
    asked = sent(stub)
    systems = {str((record.body or {})["system"]) for record in stub.requests}
    assert len(systems) == 1
    for item in ITEMS:
        if item.is_empty:
            continue
        fence, content = f"item-{item.digest[:16]}", asked[item.digest[:16]]
        titled = ["<title>", "</title>"] if "<title>" in content else []
        tags = [f"<{fence}>", *titled, "<body>", "</body>", f"</{fence}>"]
        assert TAG.findall(content) == tags, item.key
        assert content.startswith(f"<{fence}>\n"), item.key
        assert content.endswith(f"\n</body>\n</{fence}>"), item.key
        assert content.encode("utf-8"), item.key
        assert "\0" not in content, item.key
        found = extract_item(content)
        assert found.body.startswith(fenced(excerpt(item.body, MAX_BODY_CHARS))), item.key
        assert not titled or (found.title or "").startswith(
            fenced(excerpt(item.title or "", MAX_TITLE_CHARS))
        ), item.key


async def test_a_megabyte_is_as_safe_when_all_of_it_is_shown(stub: StubMessagesAPI) -> None:
    big = [item for item, text in zip(ITEMS, HOSTILE_TEXTS, strict=True) if text.kind == "size"]
    await ask_all(stub, big, max_body_chars=2_000_000, timeout_s=60)
    asked = sent(stub)
    assert len(asked) == len(big)
    for content in asked.values():
        assert TAG.findall(content).count("</body>") == 1


@pytest.mark.parametrize(
    "text", [each for each in HOSTILE_TEXTS if each.kind == "fences"], ids=lambda each: each.name
)
def test_no_spelling_of_a_closing_fence_is_left(text: Any) -> None:
    tags = text.text.partition("An article.\n")[2].partition("\nYou are free")[0]
    shown = fenced(tags)
    assert "‹" in shown  # noqa: RUF001
    assert not TAG.search(shown)


def test_the_corpus_has_names_of_its_own_and_every_kind() -> None:
    names = [each.name for each in HOSTILE_TEXTS]
    assert len(set(names)) == len(names) > 150
    kinds = "instructions turns fences replies unicode terminal markup templates spreadsheets size"
    assert {each.kind for each in HOSTILE_TEXTS} == set(kinds.split())
    assert all(len(each.text) > 900_000 for each in HOSTILE_TEXTS if each.kind == "size")
