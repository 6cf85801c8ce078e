"""On which terms a classifier is asked: how often, how long, what is kept, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kclassify.core.policy import RetryPolicy
from kclassify.core.verdict import Outcome
from kclassify.evals.reply_cache import ReplyCache
from kclassify.evals.stopping import Stop


class Verdicts(Protocol):
    """The verdicts that a commit would recall; `SqlLedger` holds them."""

    def recall(self, digests: Collection[str], fingerprint: str) -> Mapping[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        ...

    def record(
        self, fingerprint: str, outcomes: Sequence[tuple[str, Outcome[str]]], now: float
    ) -> Mapping[str, Outcome[str]]:
        """Store outcomes by item digest; one that is there stays, and is returned."""
        ...

    def forget_failures_of(self, fingerprint: str, digests: Collection[str]) -> None:
        """Forget the outcomes of these items that are failures, so that others are recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` questions; `calls` were made now; `failures` of those done got no label."""

    done: int
    total: int
    calls: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a classifier is asked.

    `timeout_s` is for one call, in seconds. `replay_only` asks nobody; a classifier that is
    `embedded` asks nobody anyway. `retry_failed` asks again where what is there is a failure, which
    a new answer then replaces. `retry` says how a call without an answer is tried again: less
    soon than in a run, since an evaluation ends where the last try fails. After a `stop` nothing
    more is asked, and calls in flight may land within `stopping.GRACE_S` seconds.
    """

    repeats: int = 1
    concurrency: int = 10
    timeout_s: float = 30.0
    replay_only: bool = False
    retry_failed: bool = False
    embedded: bool = False
    kept: ReplyCache | None = None
    ledger: Verdicts | None = None
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(first_seconds=1.0))
    stop: Stop | None = None
    tell: Callable[[Progress], None] | None = None
