"""What the provider's log of calls shows: halts that were not heard, answers paid for again."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from kclassify import Classifier, Done, Halt, Invariant, Outcome, OutcomeKind
from kclassify.core.call_seen import CallSeen
from kclassify.core.window import PROBE
from kclassify.ports import Mode
from kclassify.testing.faults import Unauthorized, WrongLabel
from kclassify.testing.memory_facts import verify_memory
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_table import MemoryTable
from kclassify.testing.plan import FaultPlan
from kclassify.testing.plan_entries import PlannedFault
from kclassify.testing.provider_calls import calls_seen
from kclassify.testing.replies import Fixed
from kclassify.testing.scripted import ScriptedClassifier
from kclassify.testing.stub import StubMessagesAPI
from tests.small import TAXONOMY

from .worked import LABELS, REFUSES, Work, items, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify import Verification


@pytest.fixture
def work() -> Work:
    """A dry run and a commit in memory."""
    work = _in_memory()
    work.run(Mode.DRY_RUN, Mode.COMMIT)
    return work


def _in_memory() -> Work:
    table = MemoryTable(items(), "memory")
    return Work(table, table, MemoryLedger())


def check(work: Work, calls: Sequence[CallSeen]) -> Verification:
    assert isinstance(work.ledger, MemoryLedger)
    assert isinstance(work.source, MemoryTable)
    return verify_memory(work.ledger, "kept", work.source, taxonomy=TAXONOMY, calls=calls)


def openings(work: Work, count: int) -> None:
    assert isinstance(work.ledger, MemoryLedger)
    work.ledger.runs["kept"].openings = count


def test_an_answer_that_was_paid_twice_is_found(work: Work) -> None:
    openings(work, 1)
    found = check(work, [*work.calls, work.calls[0]])
    assert found.paid_twice == 1
    (finding,) = found.findings
    assert finding.invariant is Invariant.NOTHING_PAID_TWICE
    assert finding.evidence == (f"digest {work.calls[0].mark}…: 2 answers, 1 recorded",)


def test_what_was_in_flight_when_a_worker_died_may_be_paid_twice(work: Work) -> None:
    openings(work, 2)
    found = check(work, [*work.calls, work.calls[0]])
    assert (told(found), found.paid_twice) == ([], 1)
    openings(work, 1 + 1)
    found = check(work, [*work.calls, *work.calls[:2]])
    assert (len(found.findings), found.paid_twice) == (1, 2)


@pytest.mark.parametrize("rest", [{"is_reask": True}, {"answered": False}])
def test_a_second_request_of_a_call_and_a_failed_one_are_not_paid_twice(
    work: Work, rest: dict[str, bool]
) -> None:
    openings(work, 1)
    again = replace(work.calls[0], **rest)  # type: ignore[arg-type]
    found = check(work, [work.calls[0], again, *work.calls[1:]])
    assert (told(found), found.paid_twice) == ([], 0)


def test_probes_are_nobodys(work: Work) -> None:
    openings(work, 1)
    probe = CallSeen(PROBE.digest, is_probe=True, labels=LABELS)
    found = check(work, [probe, probe, *work.calls])
    assert (told(found), found.paid_twice) == ([], 0)


def test_calls_after_a_halt_are_found(work: Work) -> None:
    openings(work, 1)
    refused = replace(work.calls[0], answered=False, halts=True)
    found = check(work, [refused, *work.calls])
    (finding,) = found.findings
    assert finding.invariant is Invariant.SOME_FAILURES_HALT
    assert finding.evidence == ("call 2 of 12, with 1 in flight at most",)


def test_calls_after_a_halt_and_another_start_are_right(work: Work) -> None:
    openings(work, 2)
    refused = replace(work.calls[0], answered=False, halts=True)
    assert told(check(work, [refused, *work.calls])) == []
    flying = [replace(refused, in_flight=3)] * 3
    assert told(check(work, [*flying, *work.calls])) == []


def test_a_halt_counts_from_its_answer_and_not_from_its_arrival(work: Work) -> None:
    openings(work, 1)
    timed = [replace(call, at=float(at)) for at, call in enumerate(work.calls)]
    refused = replace(timed[0], answered=False, halts=True)
    last = timed[-1].at
    assert told(check(work, [replace(refused, answered_at=last), *timed])) == []
    (finding,) = check(work, [replace(refused, answered_at=last - 1.5), *timed]).findings
    assert finding.message == "calls went on after an answer that ends the run"
    assert finding.evidence == ("call 11 of 12, with 1 in flight at most",)


def test_a_schema_with_another_list_is_found(work: Work) -> None:
    wide = replace(work.calls[0], labels=(*LABELS, "old"))
    (finding,) = check(work, [wide, *work.calls[1:]]).findings
    assert finding.invariant is Invariant.NO_LABEL_INVENTED
    assert finding.evidence == ("call 0: 'old'",)


def test_a_call_that_tells_nothing_is_said_to_be_unchecked(work: Work) -> None:
    found = check(work, [CallSeen(None), *work.calls])
    assert told(found) == []
    assert [line.split(":")[0] for line in found.unchecked] == [
        "1 calls",
        "the labels that 1 calls allowed",
    ]


def test_an_item_given_up_after_one_call_is_found() -> None:
    work = _in_memory()
    silent: Outcome[str] = Outcome(OutcomeKind.TIMED_OUT, detail="made to hang")
    work.classifier = work.scripted = ScriptedClassifier(
        TAXONOMY, lambda item: silent if item.key == REFUSES else "left"
    )
    work.run(Mode.DRY_RUN)
    calls = [
        replace(call, answered=item.key != REFUSES, is_probe=item is PROBE)
        for call, item in zip(work.calls, work.scripted.asked, strict=True)
    ]
    assert told(check(work, calls)) == []
    unanswered = [call for call in calls if not call.answered]
    assert len(unanswered) == 6
    seen = [call for call in calls if call.answered] + unanswered[:2]
    (finding,) = check(work, seen).findings
    assert finding.invariant is Invariant.OUTAGE_PAUSES
    assert finding.evidence == ("pass 1, 4: timed out, 2 calls",)


@pytest.mark.anyio
async def test_a_run_on_the_wire() -> None:
    """Answers that are asked again, and a key that is rotated: nothing to say."""
    plan = FaultPlan((PlannedFault(fault=WrongLabel(), first=2, last=2),))
    work = _in_memory()
    with StubMessagesAPI(Fixed("left"), plan=plan) as stub:
        stub.set_fault(Unauthorized())
        async with Classifier(TAXONOMY, base_url=stub.url, api_key="stub") as classifier:
            work.classifier = classifier
            assert isinstance(await work.runner().dry_run(), Halt)
            stub.set_fault(None)
            assert await work.runner().dry_run() == Done()
        calls = calls_seen(stub)
        dumped = calls_seen(json.loads(json.dumps([asdict(one) for one in stub.requests])))
    assert calls == dumped
    assert all(call.answered_at is not None and call.answered_at >= call.at for call in calls)
    assert [call.is_reask for call in calls].count(True) == 1
    found = check(work, calls)
    assert (told(found), found.unchecked, found.paid_twice) == ([], (), 0)
