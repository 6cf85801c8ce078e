"""Test your own job against an outage: `pytest examples/test_your_job.py`.

`step` stands for your job, what your job system calls again and again. The fixtures come with
kclassify (extra `testing`): a Messages API on loopback, a ledger in memory. No test waits for a
snooze to end, and nothing leaves this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kclassify import (
    Advance,
    Category,
    Classifier,
    Done,
    Item,
    Mode,
    ReclassifyRunner,
    Snooze,
    Taxonomy,
)
from kclassify.testing import JumpingClock, MemoryTable, Overloaded, verify_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify import Decision
    from kclassify.core.call_seen import CallSeen
    from kclassify.testing import MemoryLedger, StubMessagesAPI

PLAYBOOK = Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = Category(name="pattern", definition="a reusable shape of a solution")
TAXONOMY = Taxonomy[str]("articles", (PLAYBOOK, PATTERN))


def step(table: MemoryTable, ledger: MemoryLedger, clock: JumpingClock) -> Decision:
    """One step of the job. Where its answers come from is in the environment, as ever."""
    runner = ReclassifyRunner(
        source=table, classifier=Classifier(TAXONOMY), ledger=ledger, writer=table, clock=clock
    )
    return runner.run_step(mode=Mode.COMMIT, override="a test")


def test_an_outage_pauses_my_job_and_loses_nothing(
    kclassify_stub: StubMessagesAPI,
    kclassify_calls: Callable[[], list[CallSeen]],
    kclassify_ledger: MemoryLedger,
) -> None:
    """After ten answers the provider is overloaded; the job snoozes, and goes on when told to."""
    table = MemoryTable([Item(number, f"article {number}") for number in range(100)])
    clock = JumpingClock()
    kclassify_stub.script([None] * 10 + [Overloaded()] * 15)
    snoozes = 0
    while not isinstance(decision := step(table, kclassify_ledger, clock), Done):
        assert isinstance(decision, Advance | Snooze), decision
        if isinstance(decision, Snooze):
            snoozes += 1
            clock.advance(decision.seconds)
    assert snoozes
    checked = verify_memory(
        kclassify_ledger, "default", table, taxonomy=TAXONOMY, calls=kclassify_calls()
    )
    assert checked.is_clean, checked.findings
    assert (checked.lost, checked.written_twice, checked.paid_twice) == (0, 0, 0)
