"""Asking the stub as kclassify does: a fenced item, and a closed enum in the output format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anthropic.types import Message

    from kclassify.testing import StubMessagesAPI

LABELS = ("pattern", "decision", "playbook")
MODEL = "claude-haiku-4-5"


def schema(labels: Sequence[str] = LABELS) -> dict[str, Any]:
    return {
        "type": "object",
        "$defs": {"Topic": {"enum": list(labels), "title": "Topic"}},
        "properties": {
            "label": {"$ref": "#/$defs/Topic"},
            "confidence": {"type": "number", "description": "{maximum: 1, minimum: 0}"},
        },
        "required": ["label", "confidence"],
        "additionalProperties": False,
    }


def fenced(body: str, title: str | None = None) -> str:
    head = "" if title is None else f"<title>\n{title}\n</title>\n"
    item = f"<item-0123456789abcdef>\n{head}<body>\n{body}\n</body>\n</item-0123456789abcdef>"
    return f"Classify this item.\n{item}\nAnswer with one category."


def arguments(body: str = "Step 1. Restart it.", **changes: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": fenced(body)}],
        "output_config": {"format": {"type": "json_schema", "schema": schema()}},
        **changes,
    }


def ask(
    stub: StubMessagesAPI, body: str = "Step 1. Restart it.", *, timeout: float = 30, **changes: Any
) -> Message:
    with anthropic.Anthropic(base_url=stub.url, api_key="sk-secret", max_retries=0) as client:
        answer: Message = client.messages.create(timeout=timeout, **arguments(body, **changes))
    return answer


async def ask_async(stub: StubMessagesAPI, body: str = "Step 1. Restart it.") -> Message:
    async with anthropic.AsyncAnthropic(
        base_url=stub.url, api_key="sk-secret", max_retries=0
    ) as client:
        answer: Message = await client.messages.create(**arguments(body))
    return answer


def said(message: Message) -> str:
    block = message.content[0]
    assert block.type == "text"
    return block.text
