"""What a step works with, and how far it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.config import RunnerSettings
from kclassify.events import Listener
from kclassify.ports import Canary, Classifier, Clock, Ledger, OnCommit, Source, Tranches, Writer
from kclassify.runner.authority import Authority
from kclassify.runner.thread import Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """What a step works with. `thread` is for the database, `lease_thread` for the lease alone."""

    source: Source
    classifier: Classifier[str]
    ledger: Ledger
    writer: Writer | None
    settings: RunnerSettings
    timeout_s: float
    clock: Clock
    thread: Worker
    lease_thread: Worker
    jitter: Callable[[], float]
    nonce: Callable[[], str]
    tell: Listener
    authority: Authority
    canary: Canary | None = None
    tranches: Tranches | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one step goes. No budget: to the end, waiting through snoozes. No shard: any.

    `number` is the pass to work on, where no other is meant: whoever began it has counted. `items`
    is what the source holds, where that was counted just now. `job` is what the jobs of the pass
    carry, `ticket` which of them this is. `max_items` is what may be settled.
    """

    budget_s: float | None = None
    on_commit: OnCommit | None = None
    shard: int | None = None
    number: int | None = None
    items: int | None = None
    job: Mapping[str, Any] | None = None
    ticket: int | None = None
    max_items: int | None = None
