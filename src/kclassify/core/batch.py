"""Batches of requests at a provider, as the ledger and the provider tell of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kclassify.core.decision import Halt
from kclassify.core.item import Key
from kclassify.core.verdict import Outcome, OutcomeKind

NONCE_CHARS = 20
"""Characters of a nonce, each of A-Z, a-z, 0-9."""
_CUSTOM_ID = re.compile(rf"([A-Za-z0-9]{{{NONCE_CHARS}}})([A-Za-z0-9_-]{{43}})")


def custom_id(nonce: str, digest: str) -> str:
    """What names a request at the provider: the nonce of its batch, and the digest of its item.

    63 characters of A-Z, a-z, 0-9, - and _.
    """
    return nonce + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")


def read_custom_id(text: str) -> tuple[str, str] | None:
    """The nonce and the digest; None where the text is no name that `custom_id` gives."""
    found = _CUSTOM_ID.fullmatch(text)
    if found is None:
        return None
    nonce, encoded = found.groups()
    digest = base64.urlsafe_b64decode(f"{encoded}=").hex()
    # Two bits of the last character are no part of the digest.
    return (nonce, digest) if custom_id(nonce, digest) == text else None


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
    """A batch as its provider tells of it. Times are Unix seconds.

    `requests` counts them; None where that is not told.
    """

    id: str
    is_ended: bool
    created_at: float
    expires_at: float | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger keeps it. `requests` counts them, `held` is what is held for it.

    `nonce` is in the names of its requests at the provider, and of no others.

    Times are Unix seconds: when it was about to be created, when it was last asked after. `pass_id`
    is the pass that planned it, for the classifier with this `fingerprint` and, where that is told,
    of this `model`.
    """

    id: int
    status: BatchStatus
    requests: int
    intended_at: float
    nonce: str
    remote_id: str | None = None
    expires_at: float | None = None
    polled_at: float | None = None
    held: int = 0
    pass_id: int = 0
    fingerprint: str = ""
    model: str = ""


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
    """One request of a batch, `body` as it goes out; the rest as in `PlannedRequest`.

    `size` is how many bytes it takes in a batch at most, with all that is around it.
    """

    digest: str
    body: bytes
    size: int
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

    `in_flight` also in those of other passes of the run, for the same classifier. `kind` and
    `detail` are those of its last result, None and empty while there is none. `worst` and
    `body_chars_cut` are as its last request was planned.
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
    """A batch that is about to be created, under a nonce that no other has.

    `reached` is the key up to which items were looked at for batches, `is_all` that no item follows
    it. `held` moves from what the step holds to the batch.
    """

    requests: Sequence[PlannedRequest]
    reached: Key | None
    is_all: bool
    nonce: str
    held: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The batches of a pass, or of its shard, that are not over, in the order of their plans.

    `reached` and `is_all` are as the last plan left them. `again` counts the items that were asked
    and must be asked again. `elsewhere` are those of other passes of the run whose answers this one
    waits for, `strange` those of other classifiers, which are read when they have ended.
    `out_of_reach` are those that the provider does not tell of.
    """

    batches: tuple[Batch, ...] = ()
    reached: Key | None = None
    is_all: bool = False
    again: int = 0
    elsewhere: tuple[Batch, ...] = ()
    strange: tuple[Batch, ...] = ()
    out_of_reach: tuple[Batch, ...] = ()

    @property
    def awaited(self) -> tuple[Batch, ...]:
        """Those whose answers the pass waits for."""
        return self.batches + self.elsewhere

    @property
    def aside(self) -> tuple[Batch, ...]:
        """Those of other passes, which do not keep this one from its end."""
        return self.elsewhere + self.strange + self.out_of_reach
