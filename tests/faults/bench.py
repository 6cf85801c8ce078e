"""A run over real HTTP and a real SQLite file, in which a fault begins after some calls.

Each step is a runner of its own with a classifier of its own, as a job system would start them. The
clock goes on between steps as the test says, so that nobody waits through a snooze.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kclassify import (
    Classifier,
    ColumnWriter,
    Database,
    Decision,
    Mode,
    OutcomeKind,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    verify,
)
from kclassify.core.finding import Verification
from kclassify.events import CallEnded, Event, Snoozing
from kclassify.runner.clock import SystemClock
from kclassify.store import Failure, LedgerReader
from kclassify.testing import ServerError, StubMessagesAPI, calls_seen
from tests.faults.resolver import Resolver
from tests.small import TAXONOMY
from tests.tables import insert, rows, run

ROWS = 24
CONCURRENCY = 4
BEFORE = 6
"""Calls that are answered before a fault begins."""

RUN = "experiment"
_BUDGET_S = 60.0
_TABLE = "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"


class ClockAhead(SystemClock):
    """The system's clock, so many seconds later."""

    def __init__(self, ahead_s: float) -> None:
        super().__init__()
        self._ahead_s = ahead_s

    def now(self) -> float:
        """Unix time in seconds."""
        return super().now() + self._ahead_s


@dataclass
class Bench:
    """What an experiment is done with.

    The provider is reached under the name `host`, with `api_key`, and asked for `model`;
    `timeout_s` is that of one call, `ahead_s` how much time has passed between the steps.
    """

    database: Database
    stub: StubMessagesAPI
    resolver: Resolver
    host: str = "127.0.0.1"
    api_key: str = "sk-stub-first"
    model: str = "anthropic/claude-haiku-4-5"
    timeout_s: float = 10.0
    ahead_s: float = 0.0
    on_snooze: Callable[[], None] = lambda: None
    at_call: dict[int, Callable[[], None]] = field(default_factory=dict[int, Callable[[], None]])
    ended: list[CallEnded] = field(default_factory=list[CallEnded])

    def __post_init__(self) -> None:
        run(self.database, _TABLE)
        values = [{"id": n, "body": f"article {n}.", "category": "old"} for n in range(ROWS)]
        insert(self.database, values)

    def at(self, call: int, act: Callable[[], None]) -> None:
        """Do this when so many calls have ended; at once when that is none."""
        if call:
            self.at_call[call] = act
        else:
            act()

    def leave_a_gap(self) -> None:
        """One of the first items has to wait: what is answered behind it cannot be written yet."""
        self.stub.script([ServerError()])

    async def step(self) -> Decision:
        """One step of a commit, in a runner of its own."""
        async with self._classifier() as classifier:
            return await self._runner(classifier).step(
                mode=Mode.COMMIT, budget_s=_BUDGET_S, override="an experiment"
            )

    async def commit(self) -> Decision:
        """A commit that waits through its snoozes, a second each at first."""
        async with self._classifier() as classifier:
            runner = self._runner(classifier, snooze_seconds=1)
            return await runner.commit(override="an experiment")

    def _classifier(self) -> Classifier[str]:
        port = self.stub.url.rpartition(":")[2]
        return Classifier(
            TAXONOMY,
            model=self.model,
            base_url=f"http://{self.host}:{port}",
            api_key=self.api_key,
            timeout_s=self.timeout_s,
        )

    def _runner(
        self, classifier: Classifier[str], *, snooze_seconds: float = 60
    ) -> ReclassifyRunner:
        return ReclassifyRunner(
            source=self.source,
            classifier=classifier,
            ledger=SqlLedger(self.database),
            writer=ColumnWriter(self.database, "articles", key="id", current="category"),
            name=RUN,
            settings=RunnerSettings(max_concurrency=CONCURRENCY, snooze_seconds=snooze_seconds),
            timeout_s=self.timeout_s,
            clock=ClockAhead(self.ahead_s),
            listeners=[self._listen],
        )

    @property
    def source(self) -> SqlSource:
        """The table that is relabelled."""
        return SqlSource(self.database, "articles", key="id", body="body", current="category")

    def _listen(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.ended.append(event)
            act = self.at_call.pop(len(self.ended), None)
            if act is not None:
                act()
        elif isinstance(event, Snoozing):
            self.on_snooze()

    @property
    def calls(self) -> Counter[OutcomeKind | None]:
        """How the calls ended, as the runs told it; None is a halt."""
        return Counter(call.kind for call in self.ended)

    @property
    def failures(self) -> list[Failure]:
        """The items that did not get an answer, and that nobody retried."""
        return LedgerReader(self.database).failures(RUN)

    @property
    def categories(self) -> Counter[str]:
        """How many rows have which category."""
        return Counter(row[0] for row in rows(self.database, "SELECT category FROM articles"))

    def verify(self) -> Verification:
        """What the checker says of table, ledger, audit and the provider's log of requests."""
        return verify(
            self.database,
            RUN,
            source=self.source,
            taxonomy=TAXONOMY,
            calls=calls_seen(self.stub),
            alone=True,
            max_concurrency=CONCURRENCY,
        )
