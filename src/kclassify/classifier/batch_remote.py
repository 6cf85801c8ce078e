"""Reads what the provider tells of its batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from kclassify.core.batch import RemoteBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


@dataclass(frozen=True, slots=True)
class RemotePage:
    """Batches, the newest first. `is_followed` says that there are older ones."""

    batches: Sequence[RemoteBatch]
    is_followed: bool


def remote_batch(told: object) -> RemoteBatch | None:
    """The batch; None for an answer that is none, such as a proxy's page."""
    name, created = getattr(told, "id", None), getattr(told, "created_at", None)
    status = getattr(told, "processing_status", None)
    if not (isinstance(name, str) and isinstance(created, datetime) and isinstance(status, str)):
        return None
    expires = getattr(told, "expires_at", None)
    return RemoteBatch(
        name,
        is_ended=status == "ended",
        created_at=created.timestamp(),
        expires_at=expires.timestamp() if isinstance(expires, datetime) else None,
        requests=requests_in(told) or None,
    )


def remote_page(told: object) -> RemotePage | None:
    """A page of the list of batches; None for an answer that is none."""
    entries: object = getattr(told, "data", None)
    if not isinstance(entries, list):
        return None
    batches = [remote_batch(entry) for entry in cast("list[object]", entries)]
    known = [batch for batch in batches if batch is not None]
    if len(known) < len(batches):
        return None
    return RemotePage(known, is_followed=bool(known and getattr(told, "has_more", False)))


def requests_in(told: object) -> int:
    """How many requests the batch has, as the provider counts them."""
    counts = getattr(told, "request_counts", None)
    numbers = (getattr(counts, name, 0) for name in _COUNTS)
    return sum(number for number in numbers if isinstance(number, int))
