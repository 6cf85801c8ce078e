"""Several workers on the shards of one pass: what they get done, and what is left after them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import anyio

from kclassify import Database, LedgerReader, verify
from kclassify.core.finding import Verification
from kclassify.testing import Fault, FixedLatency, Hang, Overloaded, StubMessagesAPI, calls_seen
from tests.crash.worker import TAXONOMY
from tests.faults.long_run_worker import table
from tests.faults.shard_worker import RUN, Place, prepare, start

OUTAGES: tuple[Fault, ...] = (Overloaded(), Hang(), Overloaded())


@dataclass
class SharedRun:
    """`latency_s` is each call's; `place` says what the workers may do."""

    place: Place
    items: int
    latency_s: float
    patience_s: float = 120
    workers: int = 1
    kills: int = field(default=0, init=False)

    def go(self, disturb: Callable[[SharedRun], None] = lambda _: None) -> SharedFigures:
        """To the end, disturbed in between."""
        with StubMessagesAPI(latency=FixedLatency(self.latency_s)) as self.stub:
            self.place = replace(self.place, stub_url=self.stub.url)
            assert isinstance(anyio.run(prepare, self.place), int)
            began = time.monotonic()
            self.processes = [start(self.place) for _ in range(self.workers)]
            disturb(self)
            for process in self.processes:
                process.join(self.patience_s)
                assert process.exitcode == 0
            return self._figures(time.monotonic() - began)

    def reach(self, share: float) -> None:
        """Wait until so much of the run is answered."""
        wanted = int(share * self.items)
        self.stub.wait_until(lambda state: state.answered >= wanted, timeout_s=self.patience_s)

    def suffer(self, fault: Fault, seconds: float) -> None:
        """An outage."""
        self.stub.set_fault(fault)
        time.sleep(seconds)
        self.stub.set_fault(None)

    def kill(self, number: int) -> None:
        """SIGKILL for one worker; another one takes its place."""
        victim = self.processes[number]
        assert victim.is_alive()
        victim.kill()
        victim.join()
        self.kills += 1
        self.processes[number] = start(self.place)

    def _figures(self, seconds: float) -> SharedFigures:
        calls = calls_seen(self.stub)
        with closing(Database(self.place.url)) as database:
            verification = verify(
                database,
                RUN,
                source=table(database),
                taxonomy=TAXONOMY,
                calls=calls,
                alone=True,
                max_concurrency=self.place.max_concurrency,
            )
            shards = LedgerReader(database).status(RUN).passes[-1].shards
        ends = sorted(call.answered_at for call in calls if call.answered_at is not None)
        tenth = len(ends) // 10
        between = ends[-tenth] - ends[tenth]
        return SharedFigures(
            verification=verification,
            rate=(len(ends) - 2 * tenth) / between,
            seconds=seconds,
            most_in_flight=max(call.in_flight for call in calls),
            shards=len(shards),
        )


@dataclass(frozen=True)
class SharedFigures:
    """`rate` is in calls a second, between the first and the last tenth of them."""

    verification: Verification
    rate: float
    seconds: float
    most_in_flight: int
    shards: int
