"""How batches are written on the wire."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from kclassify.testing.batches import Submitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kclassify.testing.batches import StoredBatch

_COUNTED = ("processing", "succeeded", "errored", "canceled", "expired")


class _Request(BaseModel):
    custom_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    params: dict[str, Any]


class _Creation(BaseModel):
    requests: Annotated[list[_Request], Field(min_length=1)]


class _Page(BaseModel):
    limit: Annotated[int, Field(ge=1, le=1000)] = 20
    after_id: str | None = None
    before_id: str | None = None


def read_requests(body: Mapping[str, Any], most: int) -> list[Submitted]:
    """The requests of a batch, `most` of them at most. `params` are looked at as the batch ends.

    Raises ValueError that names what is wrong.
    """
    given = _Creation.model_validate(body).requests
    if len(given) > most:
        raise ValueError(f"requests: a batch holds {most} requests at most, not {len(given)}")
    twice = [name for name, n in Counter(each.custom_id for each in given).items() if n > 1]
    if twice:
        raise ValueError(f"requests: the custom_id {twice[0]} is not unique")
    return [Submitted(each.custom_id, each.params) for each in given]


def page(query: Mapping[str, str], batches: Sequence[StoredBatch]) -> dict[str, Any]:
    """The part of a list, newest first, that a query asks for: the batches and what is told of it.

    Raises ValueError for a cursor that is none of them, or another limit.
    """
    asked = _Page.model_validate(dict(query))
    places = {batch.id: place for place, batch in enumerate(batches)}
    if asked.before_id is not None:
        before = batches[: _place(places, asked.before_id)]
        shown, more = before[-asked.limit :], len(before) > asked.limit
    else:
        start = 0 if asked.after_id is None else _place(places, asked.after_id) + 1
        after = batches[start:]
        shown, more = after[: asked.limit], len(after) > asked.limit
    ends = {
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }
    return {"data": shown, "has_more": more, **ends}


def _place(places: Mapping[str, int], identity: str) -> int:
    if identity not in places:
        raise ValueError(f"there is no batch {identity}")
    return places[identity]


def described(batch: StoredBatch, expires: float, address: str) -> dict[str, object]:
    """A batch as the API tells of it; `expires` is on the stub's clock, `address` the API's."""
    ended = batch.ended is not None
    results = f"{address}/v1/messages/batches/{batch.id}/results"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": batch.status,
        "request_counts": _counts(batch),
        "created_at": _told(batch, batch.created),
        "expires_at": _told(batch, expires),
        "ended_at": _told(batch, batch.ended),
        "cancel_initiated_at": _told(batch, batch.canceled),
        "archived_at": None,
        "results_url": results if ended else None,
    }


def _counts(batch: StoredBatch) -> dict[str, int]:
    counted: Counter[str] = Counter(result.record.result for result in batch.results)
    if batch.ended is None:
        counted["processing"] = len(batch.requests)
    return {name: counted[name] for name in _COUNTED}


def _told(batch: StoredBatch, at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(batch.unix_time + at - batch.created, UTC).isoformat()
