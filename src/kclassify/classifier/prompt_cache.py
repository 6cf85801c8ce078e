"""Marks the part of a request that is the same for all items, so that Anthropic caches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Cache = Literal["5m", "1h", "off"]

SHORTEST_S = 300.0
_LIFETIMES_S: dict[Cache, float] = {"5m": SHORTEST_S, "1h": 3600.0}


def lifetime_s(cache: Cache) -> float | None:
    """Seconds that an entry lives after it was last read; None where nothing is cached."""
    return _LIFETIMES_S.get(cache)


def marked(blocks: Sequence[Mapping[str, Any]], cache: Cache) -> list[Mapping[str, Any]]:
    """The blocks of the system's text, the last of them marked: all before it is cached too."""
    if cache == "off" or not blocks:
        return list(blocks)
    control = {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}
    return [*blocks[:-1], {**blocks[-1], "cache_control": control}]
