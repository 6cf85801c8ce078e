"""What a step works with, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.config import RunnerSettings
from kclassify.events import Listener
from kclassify.ports import Canary, Classifier, Clock, Ledger, OnCommit, Source, Tranches, Writer
from kclassify.runner.authority import Authority
from kclassify.runner.thread import WorkerThread


@dataclass(frozen=True, slots=True)
class Parts:
    """What a step works with."""

    source: Source
    classifier: Classifier[str]
    ledger: Ledger
    writer: Writer | None
    settings: RunnerSettings
    timeout_s: float
    clock: Clock
    thread: WorkerThread
    tell: Listener
    authority: Authority
    canary: Canary | None = None
    tranches: Tranches | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one step goes. No budget: to the end, waiting through snoozes."""

    budget_s: float | None = None
    on_commit: OnCommit | None = None
