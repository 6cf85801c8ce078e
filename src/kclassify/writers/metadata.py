"""A JSON metadata column: our two members merged in, and taken out again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kclassify.writers.json_text import members, with_member, without_member

if TYPE_CHECKING:
    from kclassify.core.policy import Change

FROM = "reclassified_from"
CONFIDENCE = "reclassified_confidence"


def merged(raw: object, change: Change) -> str | None:
    """The metadata with what the change says; None when it is something else than an object.

    `raw` is the text that is there. None, the empty text and `null` count as an empty object.
    """
    text = _object_text(raw)
    if text is None:
        return None
    text = with_member(text, FROM, json.dumps(change.before))
    return with_member(text, CONFIDENCE, json.dumps(change.confidence))


def takes_members(raw: object) -> bool:
    """Whether the metadata is an object, or nothing yet."""
    return _object_text(raw) is not None


def restored(now: object, before: object) -> object:
    """What to put back: `before` as it was, or, when others wrote since, only our members of it."""
    text, old = _object_text(now), _object_text(before)
    if text is None or old is None:
        return now
    if _others(text) == _others(old):
        return before
    was = members(old)
    for name in (FROM, CONFIDENCE):
        member = was.get(name)
        text = (
            without_member(text, name)
            if member is None
            else with_member(text, name, old[member.value : member.end])
        )
    return text


def without_ours(now: object) -> object:
    """The metadata without our members; None when nothing is left."""
    text = _object_text(now)
    if text is None or now is None:
        return now
    text = without_member(without_member(text, FROM), CONFIDENCE)
    return text if members(text) else None


def _object_text(raw: object) -> str | None:
    if raw is None:
        return "{}"
    if not isinstance(raw, str):
        return None
    if raw.strip() in {"", "null"}:
        return "{}"
    try:
        members(raw)
    except (ValueError, RecursionError):
        return None
    return raw


def _others(text: str) -> dict[str, Any]:
    # PostgreSQL keeps decimals as they were written, which a float would round.
    parsed: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return {name: value for name, value in parsed.items() if name not in {FROM, CONFIDENCE}}
