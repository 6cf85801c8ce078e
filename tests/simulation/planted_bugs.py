"""Plausible mistakes of the whole system, each one edit away from the code as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kclassify.core.availability import Availability, Breaker
from kclassify.core.decision import Decision, Halt, Superseded
from kclassify.core.policy import SnoozePolicy
from kclassify.core.run import Run
from kclassify.core.spending import Charge
from kclassify.core.states import PassStatus
from kclassify.core.unsettled import Unsettled
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Call, Entry
from kclassify.ports import Checkpoint, OnCommit, Pass, PassRequest, Recorded, Write, Writer
from kclassify.runner.lease import Heartbeat
from kclassify.runner.recorder import Recorder
from kclassify.testing import memory_ledger
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_run import MemoryPass
from kclassify.testing.memory_writer import MemoryWriter
from kclassify.testing.simulation.process import in_process
from tests.core.planted_bugs import availability_settles_at_once, cursor_moves_on_settle

checkpoint_as_it_is = MemoryLedger.checkpoint


def cursor_before_the_outcomes(patch: pytest.MonkeyPatch) -> None:
    """The cursor, and then the outcomes in a transaction of their own."""

    def wrong(
        self: MemoryLedger,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        first = replace(checkpoint, settled=())
        moved = checkpoint_as_it_is(self, opened, fingerprint, first, writer, now)
        if not isinstance(moved, Recorded):
            return moved
        in_process("between two transactions", lambda: None)
        return checkpoint_as_it_is(
            self, moved.opened, fingerprint, checkpoint, writer, now, on_commit
        )

    patch.setattr(MemoryLedger, "checkpoint", wrong)


def cursor_after_the_outcomes(patch: pytest.MonkeyPatch) -> None:
    """The outcomes, and then the cursor in a transaction of its own."""

    def wrong(
        self: MemoryLedger,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        first = replace(checkpoint, cursor=opened.cursor)
        stored = checkpoint_as_it_is(self, opened, fingerprint, first, writer, now)
        if not isinstance(stored, Recorded):
            return stored
        in_process("between two transactions", lambda: None)
        second = replace(checkpoint, settled=())
        moved = checkpoint_as_it_is(
            self, stored.opened, fingerprint, second, writer, now, on_commit
        )
        return replace(moved, actions=stored.actions) if isinstance(moved, Recorded) else moved

    patch.setattr(MemoryLedger, "checkpoint", wrong)


def writes_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def wrong(writer: Writer) -> AbstractContextManager[None]:
        return nullcontext()

    patch.setattr(memory_ledger, "_undone_on_error", wrong)


def an_outage_goes_on(patch: pytest.MonkeyPatch) -> None:
    """The batch rule of old: what failed in an outage is passed over when it pauses."""
    forgive = Unsettled.forgive

    def wrong(self: Unsettled) -> None:
        for entry in list(self.waiting.values()):
            if entry.outcome is not None:
                del self.waiting[entry.number]
                entry.settle(entry.outcome)
        forgive(self)

    patch.setattr(Unsettled, "forgive", wrong)


def no_fence(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: MemoryLedger, opened: Pass) -> MemoryPass | None:
        rows = self.runs[opened.run].passes
        return next(
            (row for row in rows if row.opened.id == opened.id and row.status is PassStatus.OPEN),
            None,
        )

    patch.setattr(MemoryLedger, "_row", wrong)


def lease_is_no_lease(patch: pytest.MonkeyPatch) -> None:
    take = MemoryLedger.open

    def wrong(
        self: MemoryLedger, request: PassRequest, holder: str, now: float, lease_s: float
    ) -> Pass | Decision:
        if request.run in self.runs:
            self.runs[request.run].expires_at = 0.0
        return take(self, request, holder, now, lease_s)

    patch.setattr(MemoryLedger, "open", wrong)


def no_heartbeat(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Heartbeat, opened: Pass) -> Breaker | None:
        return opened.breaker

    patch.setattr(Heartbeat, "_prolong", wrong)


def verdict_recorded_after_the_write(patch: pytest.MonkeyPatch) -> None:
    """The call gives up its place first; the checkpoint stores what it said."""

    async def wrong(
        self: Recorder, call: Call, outcome: Outcome[str] | None, charge: Charge
    ) -> Outcome[str] | None:
        return outcome

    patch.setattr(Recorder, "record", wrong)


def verdicts_are_not_recalled(patch: pytest.MonkeyPatch) -> None:
    def wrong(
        self: MemoryLedger, digests: Collection[str], fingerprint: str
    ) -> dict[str, Outcome[str]]:
        return {}

    patch.setattr(MemoryLedger, "recall", wrong)


def blind_write(patch: pytest.MonkeyPatch) -> None:
    swap = MemoryWriter._swap

    def wrong(self: MemoryWriter, write: Write, expected: str | None, wanted: str | None) -> Any:
        return swap(self, write, self.labels.get(write.change.key), wanted)

    patch.setattr(MemoryWriter, "_swap", wrong)


def no_canary(patch: pytest.MonkeyPatch) -> None:
    never = property(lambda _: False, lambda _, __: None)
    patch.setattr(Availability, "needs_canary", never, raising=False)


def breaker_is_not_stored(patch: pytest.MonkeyPatch) -> None:
    def wrong(
        self: MemoryLedger,
        opened: Pass,
        fingerprint: str,
        checkpoint: Checkpoint,
        writer: Writer | None,
        now: float,
        on_commit: OnCommit | None = None,
    ) -> Recorded | Superseded:
        bare = replace(checkpoint, breaker=Breaker())
        return checkpoint_as_it_is(self, opened, fingerprint, bare, writer, now, on_commit)

    patch.setattr(MemoryLedger, "checkpoint", wrong)


def intents_are_not_recorded(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: MemoryLedger, opened: Pass, writes: Sequence[Write]) -> Pass:
        return opened

    patch.setattr(MemoryLedger, "_intend", wrong)


def intents_are_written_again_blindly(patch: pytest.MonkeyPatch) -> None:
    """The second try does not know that the first may have arrived."""
    apply = MemoryWriter.apply

    def wrong(self: MemoryWriter, writes: Sequence[Write], connection: Any) -> Any:
        return apply(self, [replace(each, redo=False) for each in writes], connection)

    patch.setattr(MemoryWriter, "apply", wrong)


def a_halt_is_an_outage(patch: pytest.MonkeyPatch) -> None:
    settle = Run.settle

    def wrong(self: Run, call: Call, outcome: Outcome[str] | Halt, now: float) -> None:
        said = Outcome[str](OutcomeKind.UNAVAILABLE, detail="said to be an outage")
        settle(self, call, said if isinstance(outcome, Halt) else outcome, now)

    patch.setattr(Run, "settle", wrong)


def any_label_is_taken(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: Outcome[str], labels: Collection[str]) -> Outcome[str]:
        return self

    patch.setattr(Outcome, "within", wrong)


def suspects_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "suspects", ())


def poison_is_tried_for_ever(patch: pytest.MonkeyPatch) -> None:
    hold = Run._hold

    def wrong(self: Run, entry: Entry) -> None:
        entry.held = 0
        hold(self, entry)

    patch.setattr(Run, "_hold", wrong)


@dataclass(frozen=True)
class Planted:
    """A bug, in words, and what is found when it is there; a rare one takes many seeds."""

    plant: Callable[[pytest.MonkeyPatch], None]
    told: str
    found: str
    is_rare: bool = False


NO_END = "the run did not come to its end after the faults were over"


def a_snooze_forgets_what_was_asked(patch: pytest.MonkeyPatch) -> None:
    def wrong(self: SnoozePolicy, count: int, retry_after_s: float, jitter: float) -> int:
        del count, retry_after_s, jitter
        return int(self.seconds)

    patch.setattr(SnoozePolicy, "duration", wrong)


PLANTED = (
    Planted(
        cursor_moves_on_settle,
        "the cursor moves as a call returns",
        "a pass is done and has no outcome for a row",
    ),
    Planted(
        cursor_before_the_outcomes,
        "the cursor moves in a transaction before that of the outcomes",
        "a pass is done and has no outcome for a row",
    ),
    Planted(
        cursor_after_the_outcomes,
        "the cursor moves in a transaction after that of the outcomes",
        "items are settled that lie behind the cursor's row",
    ),
    Planted(
        writes_outside_the_transaction,
        "the table is written outside the transaction",
        "rows were changed more often than the audit says",
        is_rare=True,
    ),
    Planted(
        availability_settles_at_once,
        "a call without an answer is its item's own failure",
        "an outage was held against an item",
    ),
    Planted(
        an_outage_goes_on,
        "what failed in an outage is passed over",
        "an outage was held against an item",
    ),
    Planted(
        a_snooze_forgets_what_was_asked,
        "a snooze is as long as ever, whatever the provider asks",
        "a snooze was shorter than the provider asked of the canary",
    ),
    Planted(
        no_canary,
        "no canary after a snooze",
        "the first call after a snooze was no canary",
    ),
    Planted(
        breaker_is_not_stored,
        "the breaker is not stored",
        "calls went on and on without an answer, and without a snooze",
    ),
    Planted(
        poison_is_tried_for_ever,
        "a poisonous row is tried for ever",
        NO_END,
    ),
    Planted(
        suspects_are_forgotten,
        "what is known of a poisonous row is not stored",
        NO_END,
        is_rare=True,
    ),
    Planted(
        a_halt_is_an_outage,
        "bad credentials are an outage",
        "a call began after a halt",
    ),
    Planted(
        verdict_recorded_after_the_write,
        "verdicts are recorded with the writes, not before a call gives up its place",
        "a call began while others were in flight or not recorded yet, as many as are allowed",
    ),
    Planted(
        verdicts_are_not_recalled,
        "verdicts are not recalled",
        "more calls were paid twice than were in flight when a process ended",
    ),
    Planted(
        blind_write,
        "a write is blind, no compare-and-set",
        "a row was written that did not hold the label that was read",
    ),
    Planted(
        intents_are_not_recorded,
        "an external write has no intent",
        "rows were changed more often than the audit says",
        is_rare=True,
    ),
    Planted(
        intents_are_written_again_blindly,
        "an intent is written again as if it were new",
        "rows were changed more often than the audit says",
        is_rare=True,
    ),
    Planted(
        no_fence,
        "no fence: a worker that lost the race writes all the same",
        "SourceError",
        is_rare=True,
    ),
    Planted(
        lease_is_no_lease,
        "the lease keeps nobody out",
        "a worker took the run from another that lives and has its lease",
    ),
    Planted(
        no_heartbeat,
        "the lease is not prolonged",
        "a worker took the run from another that lives and has its lease",
        is_rare=True,
    ),
    Planted(
        any_label_is_taken,
        "a label outside the taxonomy is taken",
        "verdicts have labels that are no active category",
    ),
)
