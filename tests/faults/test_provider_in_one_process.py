"""A run that waits by itself: for a provider that is gone, and not for one poisonous row."""

from __future__ import annotations

import pytest

from kclassify import Done
from kclassify.testing import FaultPlan, Fixed, Hang, PlannedFault, StubMessagesAPI
from tests.faults.bench import BEFORE, ROWS, Bench
from tests.faults.matrix import Record, row_of

ATTEMPTS = 3
POISON = "one item that never gets an answer"


async def test_a_run_waits_for_a_server_that_is_gone_and_goes_on(bench: Bench) -> None:
    snoozes: list[int] = []

    def come_back() -> None:
        snoozes.append(len(bench.ended))
        bench.stub.resume_listening()

    bench.at(BEFORE, bench.stub.pause_listening)
    bench.on_snooze = come_back
    assert await bench.commit() == Done()
    assert len(snoozes) == 1
    assert bench.categories == {"left": ROWS}
    assert bench.failures == []
    assert bench.verify().is_clean


@pytest.mark.slow
async def test_one_item_that_never_gets_an_answer_does_not_hold_up_the_others(
    bench: Bench, record: Record
) -> None:
    bench.timeout_s = 0.5
    plan = FaultPlan((PlannedFault(fault=Hang(), contains="article 3."),))
    with StubMessagesAPI(Fixed("left"), plan=plan) as bench.stub:
        assert await bench.commit() == Done()
        assert [(failure.key, failure.kind) for failure in bench.failures] == [(3, "timed out")]
        assert bench.categories == {"left": ROWS - 1, "old": 1}
        decision = f"tried {ATTEMPTS} times; `Done`; listed as timed out, asked again by `retry`"
        verification = bench.verify()
    record(row_of("provider", POISON, decision, verification))
