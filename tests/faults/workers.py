"""Workers in processes of their own over one small table, and what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kclassify import Database, SqlSource, verify
from kclassify.core.finding import Verification
from kclassify.testing import (
    FaultPlan,
    Fixed,
    Overloaded,
    PlannedFault,
    StubMessagesAPI,
    calls_seen,
)
from tests.conftest import REPOSITORY
from tests.faults.worker import CONCURRENCY, RUN, Order
from tests.small import TAXONOMY
from tests.tables import insert, rows, run

ITEMS = 6

_SOON_S = 30.0

_OUTAGE = FaultPlan((PlannedFault(fault=Overloaded(), first=3, last=8),))
"""In the middle, so that a worker may be hit while it snoozes, and before its canary."""


class Forge:
    """Forks workers from a process that has imported everything."""

    def __init__(self) -> None:
        self._asked = 0
        self._at_work: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}"},
        )

    def start(self, order: Order) -> int:
        """A worker that is at work; its process number."""
        worker = self._ask({"start": asdict(order)})
        self._at_work.add(worker)
        return worker

    def suspend(self, order: Order) -> int:
        """A worker that is hit by SIGSTOP, and sleeps by now; its process number."""
        worker = self.start(replace(order, signal=signal.SIGSTOP))
        assert self._ask({"stopped": worker}) == 1, "it ended before"
        return worker

    def wake(self, worker: int) -> int:
        """Its exit status, when it has gone on to its end."""
        os.kill(worker, signal.SIGCONT)
        return self.wait(worker)

    def wait(self, worker: int) -> int:
        """Its exit status; below 0 the signal that ended it."""
        ended = self._ask({"wait": worker})
        self._at_work.discard(worker)
        return ended

    def run(self, order: Order) -> int:
        """A worker from its start to its end; the exit status."""
        return self.wait(self.start(order))

    def end_all(self) -> None:
        """End the workers that a test has left behind, also those that sleep."""
        for worker in sorted(self._at_work):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            self.wait(worker)

    def close(self) -> None:
        """No more orders."""
        try:
            self.end_all()
            self._process.communicate(timeout=_SOON_S)
        finally:
            self._process.kill()
            self._process.communicate()

    def _ask(self, request: dict[str, Any]) -> int:
        """The answer; those to questions of a test that was ended are passed over."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked += 1
        self._process.stdin.write(json.dumps({"number": self._asked, **request}) + "\n")
        self._process.stdin.flush()
        number, answer = 0, 0
        while number != self._asked:
            number, answer = json.loads(self._process.stdout.readline())
        return int(answer)


@dataclass
class Scene:
    """A fresh table of `ITEMS` rows, in which a trigger notes each write, and a ledger."""

    folder: Path
    stub: StubMessagesAPI
    url: str
    ledger: str | None = None
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.stub.clear()
        self.database = Database(self.url, create=True)
        run(self.database, *(_SQLITE if self.url.startswith("sqlite") else _POSTGRESQL))
        values = [{"id": n, "body": f"article {n}.", "category": "old"} for n in range(ITEMS)]
        insert(self.database, values)

    def order(self, **changes: Any) -> Order:
        """One that is not hit by anything, unless `changes` say so."""
        report = str(self.folder / "moments.json")
        return replace(Order(self.url, self.stub.url, report, self.ledger), **changes)

    def moments(self) -> list[str]:
        """The names of the moments that the last worker went through."""
        names: list[str] = json.loads((self.folder / "moments.json").read_text(encoding="utf-8"))
        return names

    def verify(self) -> Verification:
        """What the checker says; and that no row was written twice, by the table's own trigger."""
        self.stub.wait_until(lambda state: state.in_flight == 0)
        writes = Counter(key for (key,) in rows(self.database, "SELECT id FROM writes"))
        assert set(writes.values()) <= {1}, writes
        with closing(Database(self.ledger or self.url)) as ledger:
            return verify(
                ledger,
                RUN,
                source=SqlSource(
                    self.database, "articles", key="id", body="body", current="category"
                ),
                taxonomy=TAXONOMY,
                calls=calls_seen(self.stub),
                alone=True,
                max_concurrency=CONCURRENCY,
            )

    @property
    def labels(self) -> set[str]:
        """The labels in the table now."""
        return {label for (label,) in rows(self.database, "SELECT category FROM articles")}


@contextmanager
def scene(folder: Path, stub: StubMessagesAPI, *, apart: bool = False) -> Generator[Scene]:
    """On SQLite in this folder, which is made; with `apart` the ledger is a file of its own."""
    folder.mkdir()
    ledger = f"sqlite:///{folder}/ledger.db" if apart else None
    made = Scene(folder, stub, f"sqlite:///{folder}/articles.db", ledger)
    with closing(made.database):
        yield made


@pytest.fixture(scope="module")
def smithy() -> Generator[Forge]:
    with closing(Forge()) as forge:
        yield forge


@pytest.fixture
def forge(smithy: Forge) -> Generator[Forge]:
    """No worker outlives its test, however that ends."""
    yield smithy
    smithy.end_all()


@pytest.fixture(scope="module")
def stub() -> Generator[StubMessagesAPI]:
    """A provider with an outage in its fourth to ninth call."""
    with StubMessagesAPI(Fixed("left"), plan=_OUTAGE) as running:
        yield running


_TABLES = (
    "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)",
    "CREATE TABLE writes (id INTEGER)",
)
_SQLITE = (
    *_TABLES,
    "CREATE TRIGGER noted AFTER UPDATE ON articles BEGIN INSERT INTO writes VALUES (new.id); END",
)
_POSTGRESQL = (
    *_TABLES,
    (
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO writes VALUES (new.id); RETURN new; END $$"
    ),
    "CREATE TRIGGER noted AFTER UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION note()",
)
