"""What the stub remembers of a batch, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

BatchProgress = Literal["in_progress", "canceling", "ended"]
BatchEnding = Literal["processing", "succeeded", "errored", "canceled", "expired"]


@dataclass(frozen=True, slots=True)
class BatchRequestRecord:
    """One request of a batch.

    Attributes:
        custom_id: as the client chose it.
        params: the body of the request.
        result: how it ended; `processing` until its batch has.
        outcome: `answered`, `canceled`, `expired`, the `kind` of the fault that it met, or as in
            `RequestRecord`.
    """

    custom_id: str
    params: Mapping[str, Any]
    result: BatchEnding = "processing"
    outcome: str = "pending"


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch. Times are seconds on the stub's clock, None while that has not happened."""

    id: str
    status: BatchProgress
    requests: tuple[BatchRequestRecord, ...]
    created: float
    canceled: float | None = None
    ended: float | None = None

    @property
    def custom_ids(self) -> list[str]:
        """Those of all its requests, in the order in which they came."""
        return [request.custom_id for request in self.requests]

    @property
    def results(self) -> dict[str, BatchEnding]:
        """How each request ended, by custom id."""
        return {request.custom_id: request.result for request in self.requests}
