"""Workers of one run that work at the same time, each with connections of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from kclassify import (
    Advance,
    ColumnWriter,
    Database,
    Done,
    LedgerReader,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Superseded,
    UsageError,
    verify,
)
from kclassify.core.decision import Pause
from kclassify.core.states import PassStatus
from kclassify.ports import Mode
from kclassify.testing.contracts.ledger_material import NOW, digest, verdict_of
from kclassify.testing.scripted import ScriptedClassifier
from tests.small import TAXONOMY
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.core.decision import Decision

SHARDS, ROWS, TEXTS, WORKERS, CUTS = 4, 240, 7, 6, 2
ITEMS_A_STEP = 10
BUDGET_S, PAUSE_S, PATIENCE_S = 60.0, 0.02, 90.0
WHY = "a test"


@pytest.fixture
def url(postgres_url: str) -> str:
    with closing(Database(postgres_url)) as database:
        run(database, "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, current TEXT)")
        # The same few texts are in all shards: their verdicts are recorded by all workers.
        made = [{"id": n, "body": f"text {n % TEXTS}", "current": "old"} for n in range(ROWS)]
        insert(database, made)
    return postgres_url


def on_its_own(url: str, act: Callable[[ReclassifyRunner], Decision]) -> Decision:
    """What a worker decides that has its own connections."""
    with closing(Database(url)) as database:
        runner = ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="current"),
            classifier=ScriptedClassifier(TAXONOMY, lambda _: "left"),
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="current"),
            settings=RunnerSettings(
                shards=SHARDS,
                max_concurrency=4,
                max_items=ITEMS_A_STEP,
                checkpoint_items=5,
                shared_concurrency=8,
            ),
        )
        return act(runner)


def chain(mode: Mode, shard: int | None) -> Callable[[ReclassifyRunner], Decision]:
    """Steps of one shard, or of whatever is free, until there is nothing more to do."""

    def act(runner: ReclassifyRunner) -> Decision:
        override = WHY if mode is Mode.COMMIT else None
        while True:
            decision = runner.run_step(
                mode=mode,
                budget_s=BUDGET_S,
                shard=shard,
                override=override,
                number=1,
            )
            is_over = isinstance(decision, Advance) and decision.pause is not Pause.MAX_ITEMS
            if is_over or isinstance(decision, Done):
                return decision
            if isinstance(decision, Superseded) and shard is None:
                return decision

    return act


def begin(url: str, mode: Mode) -> None:
    async def prepare(runner: ReclassifyRunner) -> Decision:
        number = await runner.prepare(mode=mode, override=WHY if mode is Mode.COMMIT else None)
        assert number == 1
        return Done()

    on_its_own(url, lambda runner: anyio.run(prepare, runner))


def check(url: str, mode: Mode) -> None:
    with closing(Database(url)) as database:
        report = LedgerReader(database).status("default").passes[-1]
        assert (report.number, report.status, report.settled) == (1, PassStatus.DONE, ROWS)
        labels = {row[0] for row in rows(database, "SELECT current FROM articles")}
        assert labels == {"left" if mode is Mode.COMMIT else "old"}
        source = SqlSource(database, "articles", key="id", body="body", current="current")
        found = verify(database, "default", source=source, taxonomy=TAXONOMY, alone=True)
        assert found.findings == ()


@pytest.mark.parametrize("mode", list(Mode))
def test_workers_at_once_do_it_all_once_and_wait_for_no_deadlock(url: str, mode: Mode) -> None:
    begin(url, mode)
    barrier = threading.Barrier(WORKERS)

    def work(shard: int | None) -> Decision:
        barrier.wait(PATIENCE_S)
        return on_its_own(url, chain(mode, shard))

    # One for each shard, and two that take what is free: they collide with the others.
    with ThreadPoolExecutor(WORKERS) as pool:
        tasks = [pool.submit(work, shard) for shard in (1, 2, 3, 4, None, None)]
        done = [each.result(PATIENCE_S) for each in tasks]
    assert Done() in done
    check(url, mode)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_run_that_is_cut_while_others_work_loses_nothing(url: str, mode: Mode) -> None:
    begin(url, mode)
    is_over = threading.Event()

    def work() -> Decision:
        while True:
            decision = on_its_own(url, chain(mode, None))
            if isinstance(decision, Done):
                is_over.set()
                return decision
            is_over.wait(PAUSE_S)

    def cuts(runner: ReclassifyRunner) -> Decision:
        for number in [*range(1, SHARDS + 1)] * CUTS:
            is_over.wait(PAUSE_S)
            # It may be done by now.
            with suppress(UsageError):
                anyio.run(partial(runner.divide, into=2, mode=mode, shard=number))
        return Done()

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(work) for _ in range(3)]
        tasks.append(pool.submit(on_its_own, url, cuts))
        assert [each.result(PATIENCE_S) for each in tasks] == [Done()] * 4
    check(url, mode)
    with closing(Database(url)) as database:
        assert len(LedgerReader(database).status("default").passes[-1].shards) > SHARDS


def test_the_same_texts_in_two_shards_are_recorded_at_once(postgres_url: str) -> None:
    said = [(digest(number), verdict_of()) for number in range(200)]
    with (
        closing(SqlLedger(Database(postgres_url))) as one,
        closing(SqlLedger(Database(postgres_url))) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        one.prepare()
        for attempt in range(20):
            barrier, fingerprint = threading.Barrier(2), str(attempt)

            def record(ledger: SqlLedger, order: int, b: threading.Barrier, name: str) -> int:
                b.wait(PATIENCE_S)
                return len(ledger.record(name, said[::order], NOW))

            tasks = [
                pool.submit(record, ledger, order, barrier, fingerprint)
                for ledger, order in ((one, 1), (other, -1))
            ]
            assert sum(each.result(PATIENCE_S) for each in tasks) == len(said)
