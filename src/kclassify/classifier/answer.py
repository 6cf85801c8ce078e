"""What a provider's library gave back, as plain data: an answer or a failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kclassify.core.rate_limit import RateLimit
from kclassify.core.verdict import Usage


class Stop(StrEnum):
    """Why the model stopped writing."""

    ENDED = "ended"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    CONTEXT_FULL = "context full"


# What gateways say of a server that they lost, or gave up on, after it had the request.
_BY_WHO_IS_BETWEEN = frozenset({502, 504, 520, 524})


@dataclass(frozen=True, slots=True)
class Answer:
    """The provider answered. `problem` says why the answer cannot be used, if it cannot.

    A label of None without a problem is an abstention.
    """

    stop: Stop
    label: str | None
    confidence: float
    problem: str
    model: str
    usage: Usage
    rate_limits: tuple[RateLimit, ...] = ()


class FailureKind(StrEnum):
    """Where a call failed that got no answer from the model."""

    STATUS = "status"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    CREDENTIALS = "credentials"
    UNSENDABLE = "unsendable"
    BROKEN_BODY = "broken body"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. `status` is of HTTP, `codes` are the types and codes in the error's body.

    `message` is in the provider's words or the library's, one line, without item text or secrets.
    `is_sent` says that the request may have reached the provider.
    """

    kind: FailureKind
    status: int = 0
    codes: frozenset[str] = frozenset()
    message: str = ""
    retry_after_s: float | None = None
    rate_limits: tuple[RateLimit, ...] = ()
    is_sent: bool = True

    @property
    def may_be_billed(self) -> bool:
        """Whether the model may have answered all the same; an error of its own costs nothing."""
        is_its_own = self.kind is FailureKind.STATUS and self.status not in _BY_WHO_IS_BETWEEN
        return self.is_sent and not is_its_own
