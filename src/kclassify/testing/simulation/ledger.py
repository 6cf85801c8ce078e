"""The ledger of a simulation: in memory, watched, and at the mercy of its database."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kclassify.core.availability import Breaker
from kclassify.core.decision import Decision, Superseded
from kclassify.core.division import Division
from kclassify.core.shared_concurrency import Share
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.verdict import Outcome
from kclassify.ports import Checkpoint, Mode, OnCommit, Pass, PassRequest, Recorded, Writer
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.simulation.process import current, in_process
from kclassify.testing.simulation.referee import Referee


class SimulatedLedger(MemoryLedger):
    """A `MemoryLedger`: a call may fail or be a process's last, before its effect or after it."""

    def __init__(self, referee: Referee) -> None:
        super().__init__("simulated")
        self._referee = referee

    def open(
        self, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Decision:
        """Tell the referee who has the run now."""

        def call() -> Pass | Decision:
            opened = MemoryLedger.open(self, request, holder, now, lease_s)
            process = current.get()
            if isinstance(opened, Pass) and process is not None:
                self._referee.opened(process, opened)
            return opened

        return in_process("open", call)

    def divide(
        self, opened: Pass, division: Division, now: float, lease_s: float
    ) -> Pass | Superseded:
        """The same, in a process."""
        return in_process(
            "divide", lambda: MemoryLedger.divide(self, opened, division, now, lease_s)
        )

    def renew(self, request: PassRequest, now: float) -> int | None:
        """The same, in a process."""
        return in_process("renew", lambda: MemoryLedger.renew(self, request, now))

    def want_parts(self, run: str, mode: Mode, shard: int | None, into: int) -> int:
        """The same, in a process."""
        return in_process(
            "want_parts", lambda: MemoryLedger.want_parts(self, run, mode, shard, into)
        )

    def end_shard(self, opened: Pass, now: float) -> bool | Superseded:
        """The same, in a process."""
        return in_process("end_shard", lambda: MemoryLedger.end_shard(self, opened, now))

    def share(self, opened: Pass, total: int, in_flight: int, now: float, lease_s: float) -> Share:
        """The same, in a process."""
        return in_process(
            "share", lambda: MemoryLedger.share(self, opened, total, in_flight, now, lease_s)
        )

    def heartbeat(self, opened: Pass, now: float, lease_s: float) -> bool:
        """The same, in a process."""

        def call() -> bool:
            is_ours = MemoryLedger.heartbeat(self, opened, now, lease_s)
            process = current.get()
            if is_ours and process is not None:
                self._referee.prolonged(process)
            return is_ours

        return in_process("heartbeat", call)

    def breaker(self, run: str) -> Breaker:
        """The same, in a process."""
        return in_process("breaker", lambda: MemoryLedger.breaker(self, run))

    def recall(self, digests: Collection[str], fingerprint: str) -> dict[str, Outcome[str]]:
        """The same, in a process."""
        return in_process("recall", lambda: MemoryLedger.recall(self, digests, fingerprint))

    def record(
        self,
        fingerprint: str,
        outcomes: Sequence[tuple[str, Outcome[str]]],
        now: float,
        *,
        opened: Pass | None = None,
        charge: Charge = NOTHING,
        number: int | None = None,
    ) -> dict[str, Outcome[str]]:
        """Tell the referee what is in the ledger now."""

        def call() -> dict[str, Outcome[str]]:
            earlier = MemoryLedger.record(
                self, fingerprint, outcomes, now, opened=opened, charge=charge, number=number
            )
            process = current.get()
            if process is not None:
                self._referee.recorded(process, {digest for digest, _ in outcomes})
            return earlier

        return in_process("record", call)

    def reserve(self, opened: Pass, budget: int, wanted: int, now: float) -> Hold:
        """The same, in a process."""
        return in_process(
            "reserve", lambda: MemoryLedger.reserve(self, opened, budget, wanted, now)
        )

    def spending(self, run: str) -> Spending:
        """The same, in a process."""
        return in_process("spending", lambda: MemoryLedger.spending(self, run))

    def settle_intents(self, opened: Pass, writer: Writer, now: float) -> int:
        """The same, in a process."""
        return in_process(
            "settle_intents", lambda: MemoryLedger.settle_intents(self, opened, writer, now)
        )

    def checkpoint(
        self,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        """The same, in a process."""
        return in_process(
            "checkpoint",
            lambda: MemoryLedger.checkpoint(
                self, opened, fingerprint, checkpoint, writer, now, on_commit
            ),
        )

    def close_step(self, opened: Pass, decision: Decision, now: float) -> None:
        """The same, in a process."""

        def call() -> None:
            MemoryLedger.close_step(self, opened, decision, now)
            process = current.get()
            if process is not None:
                self._referee.closed(process)

        in_process("close_step", call)
