"""What becomes of a commit whose database fails in its middle, as whoever is on call sees it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kclassify import Database, Done, database, sqlite_file
from kclassify.errors import DatabaseError
from kclassify.testing import Fixed, StubMessagesAPI
from tests.cli.place import Ended
from tests.conftest import missing_service
from tests.faults.bench import BEFORE, Bench
from tests.faults.matrix import Record, row_of
from tests.faults.own_postgres import ROLE, NoServer, OwnPostgres, own_postgres
from tests.faults.resolver import Resolver
from tests.faults.small_disk import NotMountable, SmallDisk, small_disk
from tests.faults.workbench import (
    CONCURRENCY,
    ITEMS,
    KEY,
    MIDDLE,
    Workbench,
    told_in_one_line,
    workbench,
)

STOPPED = "stops with status 1 and one line; `Done` when run again"
REFUSED = "refused with status 1 before any call; `Done` when run again"
RESUMABLE = "the run can be resumed"

Make = Callable[..., Workbench]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "KCLASSIFY_")):
            monkeypatch.delenv(name)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes the workbench over a database; a file in the working folder when none is named."""
    monkeypatch.chdir(tmp_path)
    stubs: list[StubMessagesAPI] = []

    def build(url: str | None = None, ledger: str | None = None) -> Workbench:
        bench, stub = workbench(tmp_path, url or f"sqlite:///{tmp_path}/articles.db", ledger)
        stubs.append(stub.start())
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        bench.settle()
        return bench

    yield build
    for stub in stubs:
        stub.stop()


@pytest.fixture(scope="module")
def running_postgres() -> Iterator[OwnPostgres]:
    try:
        with own_postgres() as server:
            yield server
    except NoServer as refusal:
        missing_service("A PostgreSQL to kill", "PATH (initdb, pg_ctl)", str(refusal))


@pytest.fixture
def postgres(running_postgres: OwnPostgres) -> OwnPostgres:
    """The server with nothing in it."""
    running_postgres.administer(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        f"GRANT ALL ON SCHEMA public TO {ROLE}",
    )
    return running_postgres


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path / "disk") as mounted:
            yield mounted
    except NotMountable as refusal:
        pytest.skip(f"no small file system: {refusal}")


class Lock:
    """Another program that writes to an SQLite file."""

    def __init__(self, bench: Workbench) -> None:
        self._path = bench.place.folder / "articles.db"
        self._stub = bench.stub
        self._connection: sqlite3.Connection | None = None
        self.calls_meanwhile = 0

    def take(self) -> None:
        self._connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("BEGIN EXCLUSIVE")
        self.calls_meanwhile = -self._stub.count

    def take_for(self, seconds: float) -> None:
        self.take()
        threading.Timer(seconds, self.let_go).start()

    def let_go(self) -> None:
        assert self._connection is not None
        self.calls_meanwhile += self._stub.count
        self._connection.close()


def assert_stopped(ended: Ended, *words: str) -> None:
    """As whoever is on call wants it: one line, what failed, and that nothing is lost."""
    assert ended.status == 1, ended.err
    line = told_in_one_line(ended)
    assert all(word in line for word in (*words, RESUMABLE)), line


def assert_refused(bench: Workbench, *words: str) -> None:
    """While the fault lasts the command ends before it has called anybody."""
    calls = bench.stub.count
    ended = bench.commit()
    assert ended.status == 1, ended.err
    line = told_in_one_line(ended)
    assert all(word in line for word in words), line
    assert bench.stub.count == calls


def assert_done(bench: Workbench) -> None:
    """The same command again, at once."""
    again = bench.commit()
    assert again.status == 0, again.err
    assert again.json["pass"]["settled"] == ITEMS
    assert "convention" not in bench.place.labels().values()


def test_a_short_lock_is_waited_for_without_a_call(make: Make, record: Record) -> None:
    bench = make()
    lock = Lock(bench)
    bench.during(MIDDLE, lambda: lock.take_for(0.2))
    ended = bench.commit()
    assert ended.status == 0, ended.err
    assert lock.calls_meanwhile < CONCURRENCY
    record(row_of("database", "SQLite locked for less than 10 s", "waits; `Done`", bench.verify()))


def test_a_long_lock_stops_the_run(
    make: Make, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_MS", 100)
    bench = make()
    lock = Lock(bench)
    bench.during(MIDDLE, lock.take)
    assert_stopped(bench.commit(), "articles.db: database is locked")
    assert bench.stub.count < MIDDLE + CONCURRENCY
    assert_refused(bench, "articles.db: database is locked")
    lock.let_go()
    assert_done(bench)
    row = row_of(
        "database", "SQLite locked for longer", STOPPED, bench.verify(), in_flight=CONCURRENCY
    )
    record(row)


def test_a_full_disk_stops_the_run(make: Make, disk: SmallDisk, record: Record) -> None:
    bench = make(f"sqlite:///{disk.path}/articles.db")
    bench.during(MIDDLE, disk.fill)
    assert_stopped(bench.commit(), "articles.db: database or disk is full")
    assert_refused(bench, "articles.db: database or disk is full")
    disk.make_room()
    assert_done(bench)
    row = row_of(
        "database", "disk full (a small tmpfs)", STOPPED, bench.verify(), in_flight=CONCURRENCY
    )
    record(row)


def test_a_ledger_that_cannot_be_written_is_told_before_any_call(
    make: Make, disk: SmallDisk, record: Record
) -> None:
    bench = make(ledger=f"sqlite:///{disk.path}/ledger.db")
    assert bench.commit("--max-items", str(MIDDLE)).status == 0
    disk.remount("ro")
    assert_refused(bench, "ledger.db: ", "read-only")
    disk.remount("rw")
    assert_done(bench)
    row = row_of("database", "ledger on a read-only file system", REFUSED, bench.verify())
    record(row)


def test_a_ledger_that_vanishes_is_noticed_at_once(make: Make, record: Record) -> None:
    ledger = Path("ledger.db").absolute()
    bench = make(ledger=f"sqlite:///{ledger}")
    away = bench.place.folder / "away"
    away.mkdir()

    def move(origin: Path, target: Path) -> None:
        for file in origin.glob("ledger.db*"):
            file.rename(target / file.name)

    bench.during(MIDDLE, lambda: move(bench.place.folder, away))
    assert_stopped(bench.commit(), "ledger.db: ", "it is gone")
    assert bench.stub.count < MIDDLE + CONCURRENCY
    assert not ledger.exists()
    move(away, bench.place.folder)
    assert_done(bench)
    row = row_of(
        "database",
        "ledger file moved away in mid-run",
        "stops with status 1 and one line; `Done` when it is back",
        bench.verify(),
        in_flight=CONCURRENCY,
    )
    record(row)


def test_a_row_that_is_deleted_in_flight_is_a_conflict(make: Make, record: Record) -> None:
    bench = make()
    bench.during(MIDDLE, lambda: execute(bench, f"DELETE FROM articles WHERE id = {MIDDLE}"))
    ended = bench.commit()
    assert ended.status == 0, ended.err
    assert ended.json["pass"]["changes"] == {"written": ITEMS - 1, "conflict": 1}
    told = "a recorded conflict; `Done`"
    record(row_of("database", "row deleted in mid-flight", told, bench.verify(alone=False)))


def test_a_row_that_is_relabelled_in_flight_is_a_conflict(make: Make, record: Record) -> None:
    bench = make()
    relabel = f"UPDATE articles SET category = 'convention-2' WHERE id = {MIDDLE}"
    bench.during(MIDDLE, lambda: execute(bench, relabel))
    ended = bench.commit()
    assert ended.status == 0, ended.err
    assert ended.json["pass"]["changes"] == {"written": ITEMS - 1, "conflict": 1}
    assert bench.place.labels()[MIDDLE] == "convention-2"
    told = "a recorded conflict, the row is left; `Done`"
    record(row_of("database", "row relabelled in mid-flight", told, bench.verify(alone=False)))


def execute(bench: Workbench, statement: str) -> None:
    path = bench.place.folder / "articles.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)


@pytest.mark.services
def test_a_postgres_that_is_down_stops_the_run(
    make: Make, postgres: OwnPostgres, record: Record
) -> None:
    bench = make(postgres.url)
    bench.during(MIDDLE, postgres.stop)
    assert_stopped(bench.commit(), str(postgres.port))
    assert_refused(bench, str(postgres.port), "refused")
    postgres.start()
    assert_done(bench)
    row = row_of(
        "database", "PostgreSQL killed in mid-run", STOPPED, bench.verify(), in_flight=CONCURRENCY
    )
    record(row)


@pytest.mark.services
def test_a_postgres_that_restarts_between_two_transactions_is_connected_to_again(
    make: Make, postgres: OwnPostgres, record: Record
) -> None:
    bench = make(postgres.url)

    def restart() -> None:
        postgres.stop()
        postgres.start()

    bench.during(1, restart)  # nothing is recorded or written before the first answer
    ended = bench.commit()
    assert ended.status == 0, ended.err
    told = "connects again; `Done`"
    record(row_of("database", "PostgreSQL restarted during a call", told, bench.verify()))


@pytest.mark.services
def test_a_postgres_without_a_free_connection_stops_the_run(
    make: Make, postgres: OwnPostgres, record: Record
) -> None:
    bench = make(postgres.url)

    def take_all() -> None:
        postgres.administer(
            f"ALTER ROLE {ROLE} CONNECTION LIMIT 0",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'",
        )

    bench.during(MIDDLE, take_all)
    assert_stopped(bench.commit(), str(postgres.port))
    assert_refused(bench, "too many connections for role")
    postgres.administer(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
    assert_done(bench)
    row = row_of(
        "database",
        "PostgreSQL without a free connection",
        STOPPED,
        bench.verify(),
        in_flight=CONCURRENCY,
    )
    record(row)


@pytest.mark.services
def test_a_postgres_that_turns_read_only_stops_the_run(
    make: Make, postgres: OwnPostgres, record: Record
) -> None:
    bench = make(postgres.url)

    def turn(value: str) -> None:
        postgres.administer(
            f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()"
        )

    bench.during(MIDDLE, lambda: turn("on"))
    assert_stopped(bench.commit(), str(postgres.port), "read-only transaction")
    assert_refused(bench, str(postgres.port), "read-only transaction")
    turn("off")
    assert_done(bench)
    row = row_of(
        "database",
        "PostgreSQL read-only in mid-run",
        STOPPED,
        bench.verify(),
        in_flight=CONCURRENCY,
    )
    record(row)


@pytest.mark.services
async def test_a_pool_without_a_free_connection_stops_the_step(
    postgres: OwnPostgres, monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_S", 0.2)
    with (
        closing(Database(postgres.url)) as pooled,
        StubMessagesAPI(Fixed("left")) as stub,
        ExitStack() as held,
    ):
        bench = Bench(pooled, stub, Resolver(monkeypatch))

        def take_all() -> None:
            while True:
                try:
                    held.enter_context(pooled.connect())
                except DatabaseError:
                    return

        bench.at_call[BEFORE] = take_all
        with pytest.raises(DatabaseError, match="every connection is in use"):
            await bench.step()
        held.close()
        assert await bench.step() == Done()
        row = row_of(
            "database",
            "connection pool exhausted by another thread",
            "`DatabaseError` in one line; `Done` with the next step",
            bench.verify(),
            in_flight=CONCURRENCY,
        )
        record(row)
