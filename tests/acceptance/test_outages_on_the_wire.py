"""Outages, halts and poisonous rows over real HTTP, on real SQLite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kclassify import (
    Classifier,
    ColumnWriter,
    Database,
    Decision,
    Done,
    Halt,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.events import CallEnded, Event, Snoozing
from kclassify.store import LedgerReader
from kclassify.testing import (
    Fault,
    FaultPlan,
    Fixed,
    Hang,
    Overloaded,
    OverloadedAsApiError,
    PlannedFault,
    Refusal,
    Reset,
    ServerError,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    Unauthorized,
    UnknownModel,
)
from tests.small import TAXONOMY
from tests.tables import insert, run, sqlite_database

__all__ = ["sqlite_database"]

ROWS = 60


@dataclass
class Told:
    """Keeps what a run tells, and lets a test act on it."""

    on_event: Callable[[Event], None] = lambda _: None
    events: list[Event] = field(default_factory=list[Event])

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    @property
    def snoozes(self) -> list[int]:
        return [event.seconds for event in self.events if isinstance(event, Snoozing)]

    @property
    def ended(self) -> list[CallEnded]:
        return [event for event in self.events if isinstance(event, CallEnded)]

    @property
    def calls(self) -> int:
        return len(self.ended)

    @property
    def spare(self) -> int:
        """Answers of the stub that settled no item: of probes, and those that came too late."""
        return sum(call.probe or call.kind is OutcomeKind.TIMED_OUT for call in self.ended)


def fill(database: Database, rows: int = ROWS) -> None:
    run(database, "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)")
    insert(database, [{"id": n, "body": f"article {n}.", "category": "old"} for n in range(rows)])


async def commit(database: Database, stub: StubMessagesAPI, told: Told) -> Decision:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key="stub", timeout_s=0.5) as classifier:
        runner = ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="category"),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            name="wire",
            settings=RunnerSettings(max_concurrency=4, snooze_seconds=1),
            timeout_s=0.5,
            listeners=[told],
        )
        return await runner.commit(override="acceptance")


def categories(database: Database) -> Counter[str]:
    with database.connect() as connection:
        return Counter(
            row[0] for row in connection.exec_driver_sql("SELECT category FROM articles")
        )


OUTAGES = [
    Overloaded(),
    OverloadedAsApiError(),
    ServerError(),
    Throttled(),
    Throttled(retry_after=1),
    Hang(),
    Reset(),
]


@pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: fault.kind)
async def test_an_outage_in_mid_run_pauses_and_skips_nothing(
    sqlite_database: Database, fault: Fault
) -> None:
    fill(sqlite_database)
    with StubMessagesAPI(Fixed("left")) as stub:
        told = Told()

        def act(event: Event) -> None:
            if isinstance(event, CallEnded) and told.calls == 20:
                stub.set_fault(fault)
            elif isinstance(event, Snoozing):
                stub.set_fault(None)

        told.on_event = act
        assert await commit(sqlite_database, stub, told) == Done()
    assert told.snoozes
    assert told.snoozes[0] >= 1
    assert categories(sqlite_database) == {"left": ROWS}
    assert LedgerReader(sqlite_database).failures("wire") == []
    assert stub.answered <= ROWS + told.spare


async def test_a_server_that_is_gone_pauses_and_skips_nothing(sqlite_database: Database) -> None:
    fill(sqlite_database)
    with StubMessagesAPI(Fixed("left")) as stub:
        told = Told()

        def act(event: Event) -> None:
            if isinstance(event, CallEnded) and told.calls == 20:
                stub.pause_listening()
            elif isinstance(event, Snoozing):
                stub.resume_listening()

        told.on_event = act
        assert await commit(sqlite_database, stub, told) == Done()
    assert told.snoozes
    assert categories(sqlite_database) == {"left": ROWS}


async def test_nothing_but_refusals_never_snoozes(sqlite_database: Database) -> None:
    fill(sqlite_database)
    with StubMessagesAPI(Fixed("left")) as stub:
        stub.set_fault(Refusal())
        told = Told()
        assert await commit(sqlite_database, stub, told) == Done()
    assert told.snoozes == []
    assert categories(sqlite_database) == {"old": ROWS}
    failures = LedgerReader(sqlite_database).failures("wire")
    assert {failure.kind for failure in failures} == {"refused"}
    assert len(failures) == ROWS


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Unauthorized(), "set ANTHROPIC_API_KEY"),
        (UnknownModel(), "claude-haiku-4-5"),
        (SpendLimit(), "spend limit"),
        (SpendLimit("contract_spend_limit_reached"), "spend limit"),
    ],
    ids=["unauthorized", "unknown model", "spend limit", "contract spend limit"],
)
async def test_what_no_item_can_pass_halts_at_once_and_says_what_to_mend(
    sqlite_database: Database, fault: Fault, says: str
) -> None:
    fill(sqlite_database)
    with StubMessagesAPI(Fixed("left")) as stub:
        told = Told()

        def rotate(event: Event) -> None:
            if isinstance(event, CallEnded) and told.calls == 20:
                stub.set_fault(fault)

        told.on_event = rotate
        decision = await commit(sqlite_database, stub, told)
        assert isinstance(decision, Halt)
        assert says in decision.reason
        assert told.calls <= 20 + 2 * 4
        assert told.snoozes == []
        stub.set_fault(None)
        assert await commit(sqlite_database, stub, Told()) == Done()
    assert categories(sqlite_database) == {"left": ROWS}


async def test_one_item_that_never_gets_an_answer_does_not_hold_up_a_few(
    sqlite_database: Database,
) -> None:
    fill(sqlite_database, rows=5)
    plan = FaultPlan((PlannedFault(fault=Hang(), contains="article 3."),))
    with StubMessagesAPI(Fixed("left"), plan=plan) as stub:
        assert await commit(sqlite_database, stub, Told()) == Done()
    assert categories(sqlite_database) == {"left": 4, "old": 1}
    failures = LedgerReader(sqlite_database).failures("wire")
    assert [(failure.key, failure.kind) for failure in failures] == [(3, "timed out")]
