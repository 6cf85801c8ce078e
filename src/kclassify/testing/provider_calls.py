"""The stub's log of requests, as a check of a run looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from kclassify.core.call_seen import DIGITS, CallSeen
from kclassify.core.window import PROBE
from kclassify.testing import records
from kclassify.testing.batch_records import BatchRecord
from kclassify.testing.records import RequestRecord
from kclassify.testing.wire import TurnMessage
from kclassify.testing.wire_anthropic import AnthropicWire
from kclassify.testing.wire_openai import OpenAIWire

if TYPE_CHECKING:
    from kclassify.testing.stub import StubMessagesAPI

Recorded = RequestRecord | BatchRecord | Mapping[str, Any]
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
_MESSAGES = "/v1/messages"
_NO_CALLS = (f"{_MESSAGES}/batches", f"{_MESSAGES}/count_tokens")
_HALTING = frozenset({401, 403, 404})


def calls_seen(log: StubMessagesAPI | Iterable[Recorded]) -> list[CallSeen]:
    """The calls in order of arrival. The stub must have kept all of them.

    Each request of a batch is a call, made when its batch was created and answered when that had
    ended. What else the endpoints of batches were asked is none.
    """
    kept: Iterable[Recorded] = log if isinstance(log, Iterable) else _in_order(log)
    records = (one if isinstance(one, Mapping) else asdict(one) for one in kept)
    return [call for record in records for call in _calls(record)]


def _in_order(log: StubMessagesAPI) -> list[Recorded]:
    seen: list[tuple[float, Recorded]] = [(one.received, one) for one in log.requests]
    seen += [(one.created, one) for one in log.batches]
    return [one for _, one in sorted(seen, key=itemgetter(0))]


def _calls(record: Mapping[str, Any]) -> Iterator[CallSeen]:
    if "requests" in record:
        yield from map(_call_seen, _requests(record))
    elif not record["path"].startswith(_NO_CALLS):
        yield _call_seen(record)


def _requests(batch: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The requests of a batch as if each had come by itself."""
    for request in batch["requests"]:
        yield {
            "path": _MESSAGES,
            "body": request["params"],
            "outcome": request["outcome"],
            "received": batch["created"],
            "in_flight": 1,
            "status": None,
            "settled": batch["ended"],
        }


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
    except ValueError:
        return ()
