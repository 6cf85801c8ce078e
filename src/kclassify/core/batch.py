"""Batches of requests at a provider, as the ledger and the provider tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kclassify.core.decision import Halt
from kclassify.core.item import Key
from kclassify.core.verdict import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How large a batch gets, how many are in flight at once, and how often they are asked after.

    `requests` and `bytes` of one batch, whichever is reached first; seconds between two polls.
    """

    requests: int = 10_000
    bytes: int = 64_000_000
    in_flight: int = 4
    poll_s: float = 60.0


class BatchStatus(StrEnum):
    """Where a batch is. `intent`: on its way to the provider, fate unknown.

    `sent`: the provider has it; `ended`: its results wait to be read. The rest is over: `read`, or
    `lost`, where the provider never got it.
    """

    INTENT = "intent"
    SENT = "sent"
    ENDED = "ended"
    READ = "read"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as its provider tells of it. Times are Unix seconds."""

    id: str
    is_ended: bool
    created_at: float
    expires_at: float | None = None
    is_canceling: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger keeps it. `requests` counts them, `held` is what is held for it.

    Times are Unix seconds: when it was about to be created, when it was last asked after.
    """

    id: int
    status: BatchStatus
    requests: int
    intended_at: float
    remote_id: str | None = None
    expires_at: float | None = None
    polled_at: float | None = None
    held: int = 0


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a batch as the ledger keeps it, named by the digest of its item.

    `worst` is what it can cost at most, in nanodollars; None where no price is known.
    `body_chars_cut` is how many characters of the item the model does not see.
    """

    digest: str
    worst: int | None = None
    body_chars_cut: int = 0


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request of a batch, `body` as it goes out; the rest as in `PlannedRequest`."""

    digest: str
    body: bytes
    worst: int | None
    body_chars_cut: int = 0

    @property
    def planned(self) -> PlannedRequest:
        """What the ledger keeps of it."""
        return PlannedRequest(self.digest, self.worst, self.body_chars_cut)


class ResultKind(StrEnum):
    """How a provider ended a request of a batch."""

    SUCCEEDED = "succeeded"
    ERRORED = "errored"
    CANCELED = "canceled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of one request of a batch: `digest` is that of its item."""

    digest: str
    kind: ResultKind
    outcome: Outcome[str] | Halt


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as the ledger keeps it.

    `is_final` says that the item is not asked again: a verdict, or a failure of its own. `counts`
    says that this try is one of its attempts.
    """

    digest: str
    outcome: Outcome[str]
    is_final: bool
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """What an item met in the batches of a pass so far.

    `kind` and `detail` are those of its last result, None and empty while there is none. `worst`
    and `body_chars_cut` are as its last request was planned.
    """

    in_flight: bool = False
    attempts: int = 0
    is_final: bool = False
    kind: OutcomeKind | None = None
    detail: str = ""
    worst: int | None = None
    body_chars_cut: int = 0


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch that is about to be created.

    `reached` is the key up to which items were looked at for batches, `is_all` that no item follows
    it. `held` moves from what the step holds to the batch.
    """

    requests: Sequence[PlannedRequest]
    reached: Key | None
    is_all: bool
    held: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The batches of a pass, or of its shard, that are not over, in the order of their plans.

    `reached` and `is_all` are as the last plan left them. `again` counts the items that were asked
    and must be asked again.
    """

    batches: tuple[Batch, ...] = ()
    reached: Key | None = None
    is_all: bool = False
    again: int = 0
