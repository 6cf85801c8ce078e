"""The stub's log of requests, as a check of a run looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kclassify.core.call_seen import DIGITS, CallSeen
from kclassify.core.window import PROBE
from kclassify.testing import records
from kclassify.testing.records import RequestRecord
from kclassify.testing.wire import TurnMessage
from kclassify.testing.wire_anthropic import AnthropicWire
from kclassify.testing.wire_openai import OpenAIWire

if TYPE_CHECKING:
    from kclassify.testing.stub import StubMessagesAPI

Recorded = RequestRecord | Mapping[str, Any]
"""A record, or the JSON object of one that another process printed."""

_FENCE = re.compile(rf"<item-([0-9a-f]{{{DIGITS}}})>\n")
_PAID = frozenset(
    {
        records.ANSWERED,
        "bad_confidence",
        "broken_json",
        "refusal",
        "truncation",
        "wrong_label",
    }
)
_HALTING = frozenset({401, 403, 404})


def calls_seen(log: StubMessagesAPI | Iterable[Recorded]) -> list[CallSeen]:
    """The calls in order of arrival. The stub must have kept all of them."""
    kept: Iterable[Recorded] = log if isinstance(log, Iterable) else log.requests
    return [_call_seen(asdict(one) if isinstance(one, RequestRecord) else one) for one in kept]


def _call_seen(record: Mapping[str, Any]) -> CallSeen:
    body: Mapping[str, Any] = record["body"] or {}
    messages = [TurnMessage.model_validate(each) for each in body.get("messages", ())]
    digest = _fence_of(messages)
    return CallSeen(
        digest=digest,
        answered=record["outcome"] in _PAID,
        at=record["received"],
        in_flight=record["in_flight"],
        is_probe=digest is not None and PROBE.digest.startswith(digest),
        is_reask=sum(message.role == "user" for message in messages) > 1,
        halts=record["status"] in _HALTING or record["outcome"] == "spend_limit",
        labels=_labels(record["path"], body),
        answered_at=record.get("settled"),
    )


def _fence_of(messages: Iterable[TurnMessage]) -> str | None:
    for message in messages:
        found = _FENCE.search(message.text) if message.role == "user" else None
        if found is not None:
            return found[1]
    return None


def _labels(path: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    wire = OpenAIWire() if path.endswith("/chat/completions") else AnthropicWire()
    try:
        return wire.read(body).shape.labels
    except ValidationError:
        return ()
