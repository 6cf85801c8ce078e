"""Rows in a real database that several workers relabel, one step at a time, as a test says."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from kclassify import (
    Advance,
    ColumnWriter,
    Item,
    LedgerReader,
    Outcome,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    UsageError,
    verify,
)
from kclassify.adapters.translate import run_step
from kclassify.core.call_seen import CallSeen
from kclassify.core.decision import Pause
from kclassify.core.states import PassStatus
from kclassify.ports import Mode, Pass, PassRequest
from kclassify.runner.machine import Machine
from kclassify.testing.scripted import Answer, ScriptedClassifier
from kclassify.testing.virtual_clock import VirtualClock
from tests.small import TAXONOMY
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kclassify import Database
    from kclassify.adapters.job import Job
    from kclassify.core.decision import Decision
    from kclassify.core.follow_up import FollowUp
    from kclassify.core.item import Key
    from kclassify.store.reading import PassReport
    from kclassify.store.shard_reports import ShardReport

CONCURRENCY = 2
WHY = "a test"
PROBE = "probe"
DOWN = Outcome[str](OutcomeKind.UNAVAILABLE, detail="made unavailable")
_numbers = itertools.count(1)


class Killed(Exception):
    """The worker dies here."""


class MortalLedger(SqlLedger):
    """The ledger as one worker sees it: from its `dies_at`th call on, the worker is dead."""

    calls = 0
    dies_at: int | None = None
    _watched = frozenset({"recall", "record", "checkpoint", "end_shard", "close_step", "divide"})

    def __getattribute__(self, name: str) -> Any:
        """The same, unless the worker dies."""
        if name in MortalLedger._watched:
            self.calls += 1
            if self.dies_at is not None and self.calls >= self.dies_at:
                raise Killed
        return super().__getattribute__(name)


@dataclass
class World:
    """A table of its own in `database`, a run of its own, and a clock that stands still.

    `answer` says what each item is, an answer takes a second, and none is to be had while it is
    `down`. A worker that died holds its lease until it ends, or until it is `buried`.
    """

    database: Database
    keys: Sequence[Key] = tuple(range(1, 21))
    declared: str = "INTEGER"
    shards: int = 4
    answer: Callable[[Item], Answer] = lambda _: "left"
    text: Callable[[int], str] = lambda place: f"text {place}"
    down: bool = False
    deaths: int = 0
    answered: Counter[Key] = field(default_factory=Counter["Key"])
    buried: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.name = f"run_{next(_numbers)}"
        self.clock = VirtualClock()
        # A database is shared by many worlds: none recalls what another one paid.
        self.classifier = ScriptedClassifier(TAXONOMY, self._say, version=self.name)
        self.source = SqlSource(self.database, self.name, key="id", body="body", current="current")
        self.writer = ColumnWriter(self.database, self.name, key="id", current="current")
        columns = f"id {self.declared} PRIMARY KEY, body TEXT, current TEXT"
        run(self.database, f"CREATE TABLE {self.name} ({columns})")
        self.add(self.keys)

    def add(self, keys: Sequence[Key], label: str | None = "old") -> None:
        """More rows."""
        made = [
            {"id": self.stored(key), "body": self.text(place), "current": label}
            for place, key in enumerate(keys)
        ]
        insert(self.database, made, self.name)

    def stored(self, key: Key) -> Any:
        """A key as its column holds it."""
        return str(key) if self.declared.startswith("TEXT") else key

    def _say(self, item: Item) -> Answer:
        self.clock.advance(1)
        if self.down:
            return DOWN
        if item.key != PROBE:
            self.answered[item.key] += 1
        return self.answer(item)

    def runner(self, ledger: SqlLedger | None = None, **settings: Any) -> ReclassifyRunner:
        """A worker: another one each time, as the ledger sees it."""
        wanted: dict[str, Any] = {"shards": self.shards, "max_concurrency": CONCURRENCY} | settings
        return ReclassifyRunner(
            source=self.source,
            classifier=self.classifier,
            ledger=ledger or SqlLedger(self.database, is_alive=self.lives),
            writer=self.writer,
            name=self.name,
            settings=RunnerSettings(**wanted),
            clock=self.clock,
            machine=Machine(holder=lambda: f"worker-{next(_numbers)}"),
        )

    def lives(self, holder: str) -> bool:
        """Whether a holder lives, as far as is known."""
        return holder not in self.buried

    def step(
        self,
        mode: Mode = Mode.DRY_RUN,
        shard: int | None = None,
        seconds: float = 3.0,
        dies_at: int | None = None,
        number: int | None = None,
        **settings: Any,
    ) -> Decision | None:
        """What a step decided; None when its worker died."""
        ledger = MortalLedger(self.database, is_alive=self.lives)
        ledger.dies_at = dies_at
        runner = self.runner(ledger, **settings)
        override = WHY if mode is Mode.COMMIT else None
        try:
            return runner.run_step(
                mode=mode, budget_s=seconds, shard=shard, override=override, number=number
            )
        except Killed:
            self.deaths += 1
            return None

    def end(self, shard: int, mode: Mode = Mode.DRY_RUN) -> Decision | None:
        """What comes after the last step of a shard that only time could stop."""
        decision = self.step(mode, shard)
        while isinstance(decision, Advance) and decision.pause is Pause.BUDGET:
            decision = self.step(mode, shard)
        return decision

    def open(self, mode: Mode = Mode.DRY_RUN, shard: int | None = None) -> Pass:
        """What a worker holds that takes its time."""
        request = PassRequest(
            self.name,
            mode,
            self.classifier.fingerprint,
            "scripted",
            self.source.description,
            override=WHY if mode is Mode.COMMIT else None,
            shard=shard,
        )
        ledger, lease_s = SqlLedger(self.database), RunnerSettings().lease_s
        opened = ledger.open(request, f"worker-{next(_numbers)}", self.clock.now(), lease_s)
        assert isinstance(opened, Pass), opened
        return opened

    def work(self, job: Job, **settings: Any) -> FollowUp:
        """Take the step of a job."""
        return run_step(lambda _: nullcontext(self.runner(**settings)), job)

    def finish(self, mode: Mode = Mode.DRY_RUN, **settings: Any) -> Decision:
        """What one worker decides that goes on to the end, through all shards."""
        runner = self.runner(**settings)
        if mode is Mode.DRY_RUN:
            return anyio.run(runner.dry_run)

        async def commit() -> Decision:
            return await runner.commit(override=WHY)

        return anyio.run(commit)

    def cut(self, into: int, shard: int | None = None, mode: Mode = Mode.DRY_RUN) -> bool:
        """Have a shard, or the whole, cut; False where that is not possible."""

        async def divide() -> None:
            await self.runner().divide(into=into, shard=shard, mode=mode)

        try:
            anyio.run(divide)
        except UsageError:
            return False
        return True

    @property
    def number(self) -> int | None:
        """That of the latest pass; None before there is one."""
        try:
            return self.report.number
        except (UsageError, IndexError):
            return None

    @property
    def is_done(self) -> bool:
        """Whether the latest pass is done."""
        return self.number is not None and self.report.status is PassStatus.DONE

    @property
    def report(self) -> PassReport:
        """The latest pass."""
        return LedgerReader(self.database).status(self.name).passes[-1]

    def shard(self, number: int) -> ShardReport:
        """One shard of the latest pass."""
        return self.report.shards[number - 1]

    @property
    def labels(self) -> list[str | None]:
        """What the rows have now, as the table sorts its keys."""
        return [
            row[0] for row in rows(self.database, f"SELECT current FROM {self.name} ORDER BY id")
        ]

    @property
    def asked(self) -> Counter[Key]:
        """How often each row was asked about."""
        return Counter(item.key for item in self.classifier.asked if item.key != PROBE)

    def check(self, *, alone: bool = True, with_calls: bool = True) -> None:
        """The ten invariants hold."""
        calls = [
            CallSeen(
                item.digest,
                answered=False,
                is_probe=item.key == PROBE,
                labels=("left", "right"),
            )
            for item in self.classifier.asked
        ]
        verified = verify(
            self.database,
            self.name,
            source=self.source,
            taxonomy=TAXONOMY,
            calls=calls if with_calls else None,
            alone=alone,
            max_concurrency=CONCURRENCY,
            is_alive=self.lives,
        )
        assert verified.findings == (), verified.findings
