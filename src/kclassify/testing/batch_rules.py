"""What becomes of the requests of a batch, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from kclassify.testing import faults
from kclassify.testing.draw import uniform

_Share = Annotated[float, Field(ge=0, le=1)]

BatchError = Literal["bad_request", "overloaded", "server_error"]
_FAULTS: dict[BatchError, faults.BadRequest | faults.Overloaded | faults.ServerError] = {
    "bad_request": faults.BadRequest("the request was rejected by the rules of batches"),
    "overloaded": faults.Overloaded(),
    "server_error": faults.ServerError(),
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"), kw_only=True)
class BatchRules:
    """How batches go.

    Args:
        seconds: how long a batch takes, on the stub's clock; None until it is told to end, or
            expires. With 0 it has ended when it is first asked after.
        expire_share, error_share: of the requests of each batch, drawn by the seed, the number of
            the batch and the custom id. A third of all expires with `expire_share=1 / 3`.
        errors: the kinds of faults that are drawn from for those in error.
        canceling_s: how long a batch takes to end once it is canceled.
        expires_s: how long after its creation a batch expires.
        max_requests, max_bytes: of one batch.
        seed: of the draws, and of the order of results.
    """

    seconds: Annotated[float, Field(ge=0)] | None = 0.0
    expire_share: _Share = 0.0
    error_share: _Share = 0.0
    errors: tuple[BatchError, ...] = ("bad_request", "overloaded", "server_error")
    canceling_s: Annotated[float, Field(ge=0)] = 0.0
    expires_s: Annotated[float, Field(gt=0)] = 86_400.0
    max_requests: Annotated[int, Field(ge=1)] = 100_000
    max_bytes: Annotated[int, Field(ge=1)] = 256 * 2**20
    seed: int = 0

    def fault(self, number: int, custom_id: str) -> faults.Fault | None:
        """What a request of the batch of this number meets; a hang means that it expires."""
        drawn = uniform(self.seed, "result", number, custom_id)
        if drawn < self.expire_share:
            return faults.Hang()
        if drawn < self.expire_share + self.error_share and self.errors:
            part = uniform(self.seed, "error", number, custom_id)
            return _FAULTS[self.errors[int(part * len(self.errors))]]
        return None

    def place(self, number: int, custom_id: str) -> float:
        """Where a request's result stands among those of its batch, from 0 to 1."""
        return uniform(self.seed, "place", number, custom_id)

    def progress(self, number: int, custom_id: str) -> float:
        """When it is worked on, as a share of the time that its batch takes."""
        return uniform(self.seed, "progress", number, custom_id)
