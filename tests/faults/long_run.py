"""One run through outages of every kind, its worker killed between and within them."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field

from kclassify import Database, verify
from kclassify.core.finding import Verification
from kclassify.testing import (
    BrokenBody,
    Fault,
    FixedLatency,
    Hang,
    Overloaded,
    OverloadedAsApiError,
    Random,
    Reset,
    ServerError,
    StubMessagesAPI,
    Throttled,
    Trickle,
    calls_seen,
)
from tests.crash.worker import TAXONOMY
from tests.faults.long_run_worker import CONCURRENCY, RUN, start, table
from tests.faults.matrix import DOCUMENT

REFUSED = None
OUTAGES: dict[str, Fault | None] = {
    "529 overloaded": Overloaded(),
    "500": ServerError(),
    "429 without retry-after": Throttled(),
    "429 with retry-after": Throttled(2),
    "a hang": Hang(),
    "reset in mid-body": Reset(),
    "a slow trickle": Trickle(20),
    "connection refused": REFUSED,
    "overloaded as an api_error": OverloadedAsApiError(),
    "an HTML page in place of JSON": BrokenBody(),
}
KINDS = {fault.kind for fault in OUTAGES.values() if fault is not None}
MARKERS = ("<!-- figures: long run -->", "<!-- end of long run -->")


@dataclass(frozen=True)
class Figures:
    """What a run came to; calls are requests that reached the provider."""

    database: str
    items: int
    outages: int
    kills: int
    calls: int
    into_outages: int
    cut_off: int
    minutes: float
    verification: Verification

    @property
    def paid_twice(self) -> int:
        assert self.verification.paid_twice is not None
        return self.verification.paid_twice

    def row(self) -> str:
        """As the document has it."""
        cells = (
            self.database,
            *(self.items, self.outages, self.kills, self.calls, self.into_outages),
            *(self.cut_off, self.paid_twice, self.verification.lost),
            self.verification.written_twice,
        )
        told = " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells)
        return f"| {told} | {self.minutes:.1f} |"


@dataclass
class LongRun:
    """The stub and the worker. `outage_s` is how long each outage lasts."""

    url: str
    items: int
    outage_s: float
    latency_s: float
    patience_s: float
    kills: int = field(default=0, init=False)

    def go(self) -> Figures:
        """Through every outage, to the end. A kill within each odd one and after each even one."""
        started = time.monotonic()
        with StubMessagesAPI(
            Random(3, lowest=0.8), latency=FixedLatency(self.latency_s)
        ) as self.stub:
            self.worker = start(self.url, self.stub.url)
            for place, fault in enumerate(OUTAGES.values(), 1):
                self._reach(place / (len(OUTAGES) + 1))
                self._suffer(fault, kill=place % 2 == 1)
                if place % 2 == 0:
                    self._reach((place + 0.4) / (len(OUTAGES) + 1))
                    self._kill()
            self.worker.join(self.patience_s)
            assert self.worker.exitcode == 0
            return self._figures((time.monotonic() - started) / 60)

    def _reach(self, share: float) -> None:
        """Wait until so much of the run is answered."""
        wanted = int(share * self.items)
        self.stub.wait_until(lambda state: state.answered >= wanted, timeout_s=self.patience_s)

    def _suffer(self, fault: Fault | None, *, kill: bool) -> None:
        self._switch(fault, on=True)
        time.sleep(self.outage_s / 2)
        if kill:
            self._kill()
        time.sleep(self.outage_s / 2)
        self._switch(fault, on=False)

    def _switch(self, fault: Fault | None, *, on: bool) -> None:
        if fault is not REFUSED:
            self.stub.set_fault(fault if on else None)
        elif on:
            self.stub.pause_listening()
        else:
            self.stub.resume_listening()

    def _kill(self) -> None:
        """SIGKILL, and another worker at once."""
        assert self.worker.is_alive()
        self.worker.kill()
        self.worker.join()
        self.kills += 1
        self.worker = start(self.url, self.stub.url)

    def _figures(self, minutes: float) -> Figures:
        state = self.stub.state
        with closing(Database(self.url)) as database:
            verification = verify(
                database,
                RUN,
                source=table(database),
                taxonomy=TAXONOMY,
                calls=calls_seen(self.stub),
                alone=True,
                max_concurrency=CONCURRENCY,
            )
        return Figures(
            database="PostgreSQL" if self.url.startswith("postgres") else "SQLite",
            items=self.items,
            outages=len(OUTAGES),
            kills=self.kills,
            calls=state.count,
            into_outages=sum(state.outcomes.get(kind, 0) for kind in KINDS),
            cut_off=state.outcomes.get("disconnected", 0),
            minutes=minutes,
            verification=verification,
        )


HEADER = (
    "| database | items | outages | kills | calls sent | of these into outages "
    "| cut off by a kill | paid twice | lost | written twice | minutes |"
)


def write(figures: Figures) -> None:
    """Put the row of this database into the document."""
    first, last = MARKERS
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(first)
    inside, _, after = rest.partition(last)
    assert after, f"{DOCUMENT} has no place for these figures"
    kept = [line for line in inside.splitlines() if line.startswith(("| SQLite", "| PostgreSQL"))]
    others = [line for line in kept if not line.startswith(f"| {figures.database} ")]
    rule = "|---" + "|---:" * (HEADER.count("|") - 2) + "|"
    lines = [HEADER, rule, *sorted([*others, figures.row()], reverse=True)]
    table_ = "\n".join(lines)
    DOCUMENT.write_text(f"{before}{first}\n{table_}\n{last}{after}", encoding="utf-8")
