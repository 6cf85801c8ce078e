"""Where a request says that its beginning is to be cached: `cache_control` on a block."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kclassify.testing.prompt_cache import FIVE_MINUTES, HOUR
from kclassify.testing.wire import Prefix, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kclassify.testing.wire import TextPart, TurnMessage

_MOST = 4
_LIFETIMES = {"5m": FIVE_MINUTES, "1h": HOUR}


def prefixes_of(
    before: Mapping[str, Any], system: str | list[TextPart], messages: Sequence[TurnMessage]
) -> tuple[Prefix, ...]:
    """The prefixes to be cached, the shortest first; `before` is all that comes before the texts.

    Raises ValueError where there are too many, one is on an empty text, or one that lives an hour
    follows one of five minutes.
    """
    parts = [("system", system), *((message.role, message.content) for message in messages)]
    if not any(part.cache_control for _, content in parts for part in _blocks(content)):
        return ()
    found = tuple(_prefixes(json.dumps(before, sort_keys=True), parts))
    if len(found) > _MOST:
        raise ValueError(
            f"A maximum of {_MOST} blocks with cache_control may be provided. Found {len(found)}."
        )
    lifetimes = [prefix.ttl_s for prefix in found]
    if lifetimes != sorted(lifetimes, reverse=True):
        raise ValueError("cache_control: a ttl='1h' block must not come after a ttl='5m' block")
    return found


def _blocks(content: str | list[TextPart] | None) -> Sequence[TextPart]:
    return content if isinstance(content, list) else ()


def _prefixes(
    before: str, parts: Sequence[tuple[str, str | list[TextPart] | None]]
) -> Iterator[Prefix]:
    hashed, characters = sha256(before.encode()), 0
    for role, content in parts:
        hashed.update(json.dumps([role]).encode())
        if isinstance(content, str):
            hashed.update(json.dumps(content).encode())
        blocks = _blocks(content)
        for place, block in enumerate(blocks):
            hashed.update(json.dumps([block.type, block.text]).encode())
            if block.cache_control is not None:
                if not block.text:
                    raise ValueError("cache_control cannot be set for empty text blocks")
                so_far = characters + len(joined(blocks[: place + 1]))
                ttl = _LIFETIMES[block.cache_control.ttl]
                yield Prefix(hashed.hexdigest(), so_far, ttl)
        characters += len(joined(content))
