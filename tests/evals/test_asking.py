from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from kclassify import Classifier
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.policy import RetryPolicy
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged
from kclassify.errors import DatabaseError, UsageError
from kclassify.evals.asking import Answers, Incomplete, ask
from kclassify.evals.asking_terms import Progress, Terms
from kclassify.evals.labelled import LabelledItem
from kclassify.evals.reply_cache import Reply, ReplyCache
from kclassify.evals.stopping import Stop
from kclassify.ports import Pass
from kclassify.testing import (
    BadRequest,
    Fault,
    FaultPlan,
    MemoryLedger,
    Overloaded,
    PlannedFault,
    Refusal,
    Rule,
    ScriptedClassifier,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    Unauthorized,
)
from tests.small import TAXONOMY

ROWS = [LabelledItem(id=f"r{n}", body=f"text {n} goes left", gold="left") for n in range(12)]
AT_ONCE = RetryPolicy(max_attempts=3, first_seconds=0.0)


def rule(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
    return ("left" if "left" in text else "right"), 0.9


def stub_with(*entries: PlannedFault) -> StubMessagesAPI:
    return StubMessagesAPI(Rule(rule), plan=FaultPlan(entries))


def classifier_of(stub: StubMessagesAPI) -> Classifier[str]:
    return Classifier(TAXONOMY, model="claude-x", base_url=stub.url, api_key="sk-made-up")


async def asked(
    stub: StubMessagesAPI, kept: Path, rows: list[LabelledItem] | None = None, **terms: object
) -> Answers | Incomplete:
    """One evaluation, as a process of its own would do it."""
    async with classifier_of(stub) as classifier:
        cache = ReplyCache(kept, classifier.fingerprint)
        settings = {"concurrency": 1, "retry": AT_ONCE, **terms}
        return await ask(classifier, rows or ROWS, Terms(kept=cache, **settings))  # type: ignore[arg-type]


def complete(found: Answers | Incomplete) -> Answers:
    assert isinstance(found, Answers), found
    return found


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Overloaded(), "unavailable"),
        (Throttled(retry_after=3600), "try again in 3600 s"),
        (Unauthorized(), "ANTHROPIC_API_KEY"),
        (SpendLimit(), "limit"),
    ],
)
async def test_a_provider_that_fails_half_way_loses_nothing_and_the_next_run_goes_on(
    tmp_path: Path, fault: Fault, reason: str
) -> None:
    with stub_with(PlannedFault(fault=fault, first=7)) as stub:
        broken = await asked(stub, tmp_path)
        assert isinstance(broken, Incomplete)
        assert broken.missing == 5
        assert reason in broken.reason
        assert "text" not in broken.reason
    with stub_with() as stub:
        answers = complete(await asked(stub, tmp_path))
        assert stub.count == 5
    assert (answers.calls, answers.replayed) == (5, 7)
    assert [each.label for each in answers.first] == ["left"] * 12


async def test_what_is_in_flight_when_the_provider_fails_is_kept_when_it_is_answered(
    tmp_path: Path,
) -> None:
    with stub_with(PlannedFault(fault=Unauthorized(), first=6, last=6)) as stub:
        broken = await asked(stub, tmp_path, concurrency=4)
        answered = stub.answered
    assert isinstance(broken, Incomplete)
    assert broken.missing == 12 - answered
    with stub_with() as stub:
        complete(await asked(stub, tmp_path))
        assert stub.count == 12 - answered


async def test_a_failure_that_passes_is_tried_again(tmp_path: Path) -> None:
    with stub_with(PlannedFault(fault=Overloaded(), first=3, last=4)) as stub:
        answers = complete(await asked(stub, tmp_path))
    assert answers.calls == 14
    assert {each.outcome.kind for each in answers.first} == {OutcomeKind.JUDGED}


async def test_replay_only_makes_no_request_and_says_how_many_replies_are_missing(
    tmp_path: Path,
) -> None:
    with stub_with() as stub:
        complete(await asked(stub, tmp_path, ROWS[:9]))
        made = stub.count
        missing = await asked(stub, tmp_path, replay_only=True)
        there = complete(await asked(stub, tmp_path, ROWS[:9], replay_only=True))
        assert stub.count == made == 9
    assert isinstance(missing, Incomplete)
    assert missing.missing == 3
    assert (there.calls, there.replayed) == (0, 9)
    assert len(there.seconds) == 9


async def test_a_refusal_is_an_outcome_of_its_own_and_is_paid_once(tmp_path: Path) -> None:
    with stub_with(PlannedFault(fault=Refusal(), contains="text 3 ")) as stub:
        first = complete(await asked(stub, tmp_path))
        again = complete(await asked(stub, tmp_path))
        assert stub.count == 12
    for answers in (first, again):
        assert answers.first[3].outcome.kind is OutcomeKind.REFUSED
        assert answers.first[3].label is None
        assert sum(each.label == "left" for each in answers.first) == 11
    assert again.usage == first.usage != Usage()


async def test_one_rejected_row_is_its_own_fault_and_all_of_them_are_not(tmp_path: Path) -> None:
    with stub_with(PlannedFault(fault=BadRequest(), contains="text 0 ")) as stub:
        answers = complete(await asked(stub, tmp_path / "one"))
        assert answers.first[0].outcome.kind is OutcomeKind.REJECTED
        complete(await asked(stub, tmp_path / "one", replay_only=True))
    with stub_with(PlannedFault(fault=BadRequest())) as stub:
        broken = await asked(stub, tmp_path / "all")
        assert stub.count < 12
    assert isinstance(broken, Incomplete)
    assert broken.reason.startswith("every request is rejected")
    assert broken.missing == 12


async def test_each_repeat_asks_anew_and_the_same_text_once(tmp_path: Path) -> None:
    twins = [*ROWS[:2], LabelledItem(id="twin", body=ROWS[0].body, gold="right")]
    with stub_with() as stub:
        answers = complete(await asked(stub, tmp_path, twins, repeats=3))
        assert stub.count == 6
        complete(await asked(stub, tmp_path, twins, repeats=4))
        assert stub.count == 8
    assert [len(repeat) for repeat in answers.repeats] == [3, 3, 3]
    assert [each.row.id for each in answers.first] == ["r0", "r1", "twin"]


async def test_the_ledgers_verdicts_come_before_the_replies_and_what_is_paid_goes_into_it(
    tmp_path: Path,
) -> None:
    classifier = ScriptedClassifier(TAXONOMY, lambda item: "left")
    ledger = MemoryLedger()
    held = judged(Verdict("right", 0.6, "claude-x"))
    ledger.record(classifier.fingerprint, [(ROWS[0].item.digest, held)], 0.0)
    cache = ReplyCache(tmp_path, classifier.fingerprint)
    terms = Terms(kept=cache, ledger=ledger, repeats=2)
    answers = complete(await ask(classifier, ROWS[:2], terms))
    assert [each.label for each in answers.first] == ["right", "left"]
    assert [each.label for each in answers.repeats[1]] == ["left", "left"]
    assert len(classifier.asked) == 3
    recalled = ledger.recall([row.item.digest for row in ROWS], classifier.fingerprint)
    assert {outcome.verdict.label for outcome in recalled.values() if outcome.verdict} == {
        "left",
        "right",
    }


async def test_a_verdict_that_another_run_recorded_meanwhile_counts_for_everybody() -> None:
    ledger = MemoryLedger()

    def meanwhile(item: Item) -> str:
        rival = judged(Verdict("right", 0.7, "rival"))
        ledger.record(classifier.fingerprint, [(item.digest, rival)], 0.0)
        return "left"

    classifier = ScriptedClassifier(TAXONOMY, meanwhile)
    answers = complete(await ask(classifier, ROWS[:1], Terms(ledger=ledger)))
    assert answers.first[0].label == "right"


async def test_cancelled_in_the_midst_it_keeps_what_was_answered(tmp_path: Path) -> None:
    hanging = anyio.Event()

    async def script(item: Item) -> str:
        if item.key == "r5":
            hanging.set()
            await anyio.sleep_forever()
        return "left"

    classifier = ScriptedClassifier(TAXONOMY, script)
    kept = ReplyCache(tmp_path, classifier.fingerprint)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, classifier, ROWS, Terms(kept=kept, concurrency=1))
        await hanging.wait()
        tasks.cancel_scope.cancel()
    again = ReplyCache(tmp_path, classifier.fingerprint)
    there = [row.id for row in ROWS if again.find(row.item.digest, 0) is not None]
    assert there == ["r0", "r1", "r2", "r3", "r4"]


async def test_cancelled_as_an_answer_comes_it_is_in_the_ledger_all_the_same() -> None:
    ledger = MemoryLedger()
    scope = anyio.CancelScope()

    def script(item: Item) -> str:
        scope.cancel()
        return "left"

    classifier = ScriptedClassifier(TAXONOMY, script)
    with scope:
        await ask(classifier, ROWS[:1], Terms(ledger=ledger))
    assert ledger.recall([ROWS[0].item.digest], classifier.fingerprint)


async def test_after_a_stop_nothing_more_is_asked_and_what_is_in_flight_is_kept() -> None:
    stop, ledger = Stop(), MemoryLedger()

    async def script(item: Item) -> str:
        if item.key == "r3":
            stop.say("enough")
            await anyio.lowlevel.checkpoint()
        return "left"

    classifier = ScriptedClassifier(TAXONOMY, script)
    terms = Terms(stop=stop, ledger=ledger, concurrency=2)
    found = await ask(classifier, ROWS, terms)
    recalled = ledger.recall([row.item.digest for row in ROWS], classifier.fingerprint)
    assert found == Incomplete("enough", len(ROWS) - len(classifier.asked))
    assert len(recalled) == len(classifier.asked) <= 6


async def test_what_does_not_land_within_the_grace_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kclassify.evals.asking.GRACE_S", 0.01)
    stop = Stop()

    async def script(item: Item) -> str:
        stop.say("enough")
        await anyio.sleep_forever()
        return "left"

    with anyio.fail_after(10):
        found = await ask(ScriptedClassifier(TAXONOMY, script), ROWS, Terms(stop=stop))
    assert found == Incomplete("enough", len(ROWS))


async def test_a_stop_does_not_wait_until_a_call_may_be_tried_again() -> None:
    stop = Stop()

    def script(item: Item) -> Outcome[str]:
        stop.say("enough")
        return Outcome(OutcomeKind.UNAVAILABLE)

    classifier = ScriptedClassifier(TAXONOMY, script)
    terms = Terms(stop=stop, concurrency=1, retry=RetryPolicy(first_seconds=30.0))
    with anyio.fail_after(4):  # less than the grace
        assert await ask(classifier, ROWS, terms) == Incomplete("enough", len(ROWS))
    assert len(classifier.asked) == 1


async def test_a_failure_is_kept_until_there_is_another_answer(tmp_path: Path) -> None:
    said: list[Outcome[str] | Halt] = [Outcome(OutcomeKind.REFUSED), Halt("no money")]
    classifier = ScriptedClassifier(TAXONOMY, lambda item: said.pop(0) if said else "left")
    ledger, digest = MemoryLedger(), ROWS[0].item.digest
    cache = ReplyCache(tmp_path, classifier.fingerprint)
    terms = Terms(kept=cache, ledger=ledger)
    complete(await ask(classifier, ROWS[:1], terms))
    again = replace(terms, retry_failed=True)
    assert await ask(classifier, ROWS[:1], again) == Incomplete("no money", 1)
    assert ledger.recall([digest], classifier.fingerprint)[digest].kind is OutcomeKind.REFUSED
    assert complete(await ask(classifier, ROWS[:1], terms)).first[0].label is None
    assert complete(await ask(classifier, ROWS[:1], again)).first[0].label == "left"
    assert ledger.recall([digest], classifier.fingerprint)[digest].kind is OutcomeKind.JUDGED
    kept = ReplyCache(tmp_path, classifier.fingerprint).find(digest, 0)
    assert kept is not None
    assert kept.outcome.kind is OutcomeKind.JUDGED


async def test_a_call_that_never_ends_is_ended_at_its_deadline() -> None:
    async def script(item: Item) -> str:
        await anyio.sleep_forever()
        return "left"

    terms = Terms(timeout_s=0.01, retry=RetryPolicy(max_attempts=1))
    found = await ask(ScriptedClassifier(TAXONOMY, script), ROWS[:1], terms)
    assert found == Incomplete("timed out: no answer in 0.01 s (row 'r0')", 1)


async def test_no_more_calls_than_allowed_are_in_flight() -> None:
    classifier = ScriptedClassifier(TAXONOMY, lambda item: "left")
    complete(await ask(classifier, ROWS, Terms(concurrency=3)))
    assert classifier.most_in_flight == 3


async def test_a_label_that_is_no_category_is_invalid_and_an_empty_body_is_no_call() -> None:
    stranger = judged(Verdict("nowhere", 0.9, "own"))
    classifier = ScriptedClassifier(TAXONOMY, lambda item: stranger)
    rows = [ROWS[0], LabelledItem(id="blank", body=" \n", gold="left")]
    answers = complete(await ask(classifier, rows, Terms()))
    assert [each.outcome.kind for each in answers.first] == [OutcomeKind.INVALID, OutcomeKind.EMPTY]
    assert [item.key for item in classifier.asked] == ["r0"]


async def test_an_embedded_classifier_answers_in_a_replay_too() -> None:
    classifier = ScriptedClassifier(TAXONOMY, lambda item: "left")
    found = await ask(classifier, ROWS, Terms(replay_only=True, embedded=True))
    assert len(complete(found).first) == 12


async def test_a_defect_of_the_classifier_comes_out_as_it_is() -> None:
    def script(item: Item) -> str:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        await ask(ScriptedClassifier(TAXONOMY, script), ROWS, Terms())


async def test_progress_is_told_up_to_the_last_answer() -> None:
    told: list[Progress] = []

    def script(item: Item) -> str | Outcome[str] | Halt:
        return Outcome(OutcomeKind.REFUSED) if item.key == "r3" else "left"

    terms = Terms(tell=told.append, concurrency=1)
    complete(await ask(ScriptedClassifier(TAXONOMY, script), ROWS, terms))
    assert told[0] == Progress(done=1, total=12, calls=1, failures=0)
    assert told[-1] == Progress(done=12, total=12, calls=12, failures=1)


class _FullLedger(MemoryLedger):
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
        del fingerprint, outcomes, now, opened, charge, number
        raise DatabaseError("disk full")


class _FullCache(ReplyCache):
    def keep(self, item_digest: str, repeat: int, reply: Reply) -> None:
        raise UsageError("disk full")


async def test_what_was_paid_is_kept_in_one_place_when_the_other_cannot_be_written(
    tmp_path: Path,
) -> None:
    classifier = ScriptedClassifier(TAXONOMY, lambda item: "left")
    ledger = MemoryLedger()
    full = _FullCache(tmp_path, classifier.fingerprint)
    with pytest.raises(UsageError, match="disk full"):
        await ask(classifier, ROWS[:1], Terms(kept=full, ledger=ledger))
    assert ledger.recall([ROWS[0].item.digest], classifier.fingerprint)
    cache = ReplyCache(tmp_path, classifier.fingerprint)
    with pytest.raises(DatabaseError, match="disk full"):
        await ask(classifier, ROWS[1:2], Terms(kept=cache, ledger=_FullLedger()))
    again = ReplyCache(tmp_path, classifier.fingerprint)
    assert again.find(ROWS[1].item.digest, 0) is not None


async def test_one_evaluation_at_a_time_asks_a_classifier(tmp_path: Path) -> None:
    classifier = ScriptedClassifier(TAXONOMY, lambda item: "left")
    first, second = (ReplyCache(tmp_path, classifier.fingerprint) for _ in range(2))
    with first.alone():
        with pytest.raises(UsageError, match="another evaluation asks this classifier now"):
            await ask(classifier, ROWS, Terms(kept=second))
        assert not classifier.asked
        other = ReplyCache(tmp_path, "another classifier")
        assert complete(await ask(classifier, ROWS[:1], Terms(kept=other))).calls == 1
        reply = Reply(judged(Verdict("right", 0.9, "claude-x")), 0.1)
        first.keep(ROWS[0].item.digest, 0, reply)
    answers = complete(await ask(classifier, ROWS, Terms(kept=second)))
    assert (answers.first[0].label, answers.calls) == ("right", len(ROWS) - 1)
