from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.batch import (
    NONCE_CHARS,
    Batch,
    BatchResult,
    BatchStatus,
    RemoteBatch,
    ResultKind,
    Tried,
    custom_id,
    read_custom_id,
)
from kclassify.core.batching import (
    ResultRules,
    Turnout,
    has_failed,
    is_to_be_asked,
    is_to_be_polled,
    settled_without_verdict,
    waits_for,
)
from kclassify.core.decision import Halt, Snooze
from kclassify.core.orphan import CLOCKS_S, CREATING_S, Adopted, Candidate, Lost, fate, may_be
from kclassify.core.policy import RunPolicy
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged
from kclassify.core.window import PROBE
from tests.conftest import REPOSITORY

NOW = 1_800_000_000.0
POLL_S = 60.0
RULES = ResultRules()
INTENT = Batch(1, BatchStatus.INTENT, 10, NOW, "n" * NONCE_CHARS)
REMOTE = RemoteBatch("msgbatch_1", is_ended=True, created_at=NOW + 1)


def judged_one() -> BatchResult:
    return BatchResult("d", ResultKind.SUCCEEDED, judged(Verdict("left", 0.9, "m")))


def ended(kind: OutcomeKind, how: ResultKind = ResultKind.ERRORED) -> BatchResult:
    return BatchResult("d", how, Outcome(kind, detail=f"it was {kind}"))


def metered(usage: Usage, uncertain: int = 0) -> BatchResult:
    outcome = judged(Verdict("left", 0.9, "m", usage))
    return BatchResult("d", ResultKind.SUCCEEDED, replace(outcome, uncertain=uncertain))


EXPIRED = ended(OutcomeKind.TIMED_OUT, ResultKind.EXPIRED)
CANCELED = ended(OutcomeKind.UNAVAILABLE, ResultKind.CANCELED)
OVERLOADED = ended(OutcomeKind.UNAVAILABLE)
REJECTED = ended(OutcomeKind.REJECTED)
TOO_LONG = ended(OutcomeKind.TOO_LONG)
INVALID = ended(OutcomeKind.INVALID, ResultKind.SUCCEEDED)
HALT = BatchResult("d", ResultKind.ERRORED, Halt("no credit"))


def turnout(*results: BatchResult) -> Turnout:
    found = Turnout()
    for result in results:
        found.add(result)
    return found


def said(result: BatchResult, *others: BatchResult, before: Tried | None = None) -> str:
    """What becomes of the item of the first result, in a batch of all of them."""
    answer = RULES.answer(result, before or Tried(), turnout(result, *others))
    return f"{'final' if answer.is_final else 'again'}{'' if answer.counts else ', not counted'}"


@pytest.mark.parametrize(
    ("kind"),
    [
        OutcomeKind.ABSTAINED,
        OutcomeKind.REFUSED,
        OutcomeKind.TRUNCATED,
    ],
)
def test_what_is_paid_for_is_final(kind: OutcomeKind) -> None:
    assert said(judged_one()) == said(ended(kind, ResultKind.SUCCEEDED)) == "final"


def test_a_reply_that_cannot_be_used_is_final_the_second_time() -> None:
    assert said(INVALID) == "again"
    assert said(INVALID, before=Tried(attempts=1, kind=OutcomeKind.INVALID)) == "final"
    assert said(INVALID, before=Tried(attempts=1, kind=OutcomeKind.TIMED_OUT)) == "again"
    assert said(INVALID, before=Tried(attempts=2, kind=OutcomeKind.TIMED_OUT)) == "final"


@pytest.mark.parametrize("result", [EXPIRED, OVERLOADED])
def test_a_failure_counts_only_where_hardly_another_of_many_failed(result: BatchResult) -> None:
    many = [judged_one()] * 11
    assert said(result) == "again, not counted"
    assert said(result, before=Tried(attempts=9)) == "again, not counted"
    assert said(result, *many[:9]) == "again, not counted"
    assert said(result, EXPIRED, OVERLOADED, *many) == "again, not counted"
    assert said(result, EXPIRED, *many) == "again"
    assert said(result, *many, before=Tried(attempts=1)) == "again"
    assert said(result, *many, before=Tried(attempts=2)) == "final"


@pytest.mark.parametrize("result", [EXPIRED, OVERLOADED])
def test_those_that_fail_beside_an_answered_probe_each_time_come_to_their_end(
    result: BatchResult,
) -> None:
    probe = replace(judged_one(), digest=PROBE.digest)
    assert said(result, result, result, probe) == "again"
    assert said(result, result, probe, before=Tried(attempts=2)) == "final"
    assert said(result, judged_one(), probe) == "again, not counted"


def test_what_people_canceled_never_counts() -> None:
    assert said(CANCELED, judged_one(), before=Tried(attempts=9)) == "again, not counted"


def test_a_rejection_is_final_where_others_were_answered() -> None:
    assert said(REJECTED, judged_one()) == "final"
    assert said(REJECTED, REJECTED) == "again"
    assert said(REJECTED, OVERLOADED) == "again"
    assert said(REJECTED, before=Tried(attempts=2)) == "final"
    assert said(TOO_LONG, REJECTED) == "final"


@pytest.mark.parametrize(
    ("result", "uncertain"),
    [
        (judged_one(), 700),
        (ended(OutcomeKind.UNAVAILABLE, ResultKind.SUCCEEDED), 700),
        (metered(Usage(input_tokens=1)), 0),
        (metered(Usage(), uncertain=5), 5),
        (EXPIRED, 0),
        (CANCELED, 0),
        (REJECTED, 0),
    ],
)
def test_an_answer_that_tells_of_no_tokens_may_have_cost_the_most(
    result: BatchResult, uncertain: int
) -> None:
    before = Tried(in_flight=True, worst=700, body_chars_cut=9)
    outcome = RULES.answer(result, before, turnout(judged_one())).outcome
    assert (outcome.uncertain, outcome.body_chars_cut) == (uncertain, 9)


REFUSED = ended(OutcomeKind.REFUSED, ResultKind.SUCCEEDED)
OTHERS, ALONE = turnout(judged_one()), turnout(REJECTED)
TABLE: dict[str, tuple[BatchResult, Tried, Turnout]] = {
    "succeeded, with a label": (judged_one(), Tried(), ALONE),
    "succeeded, with a refusal": (REFUSED, Tried(), ALONE),
    "succeeded, with a reply of no use for the first time": (INVALID, Tried(), OTHERS),
    "succeeded, with a reply of no use for the second time": (
        INVALID,
        Tried(attempts=1, kind=OutcomeKind.INVALID),
        OTHERS,
    ),
    "succeeded, with no message in it": (
        ended(OutcomeKind.UNAVAILABLE, ResultKind.SUCCEEDED),
        Tried(),
        OTHERS,
    ),
    "errored: too long": (TOO_LONG, Tried(), ALONE),
    "errored: the request is rejected, others are answered": (REJECTED, Tried(), OTHERS),
    "errored: the request is rejected, as all of the batch are": (REJECTED, Tried(), ALONE),
    "errored: throttled": (ended(OutcomeKind.THROTTLED), Tried(), OTHERS),
    "errored: overloaded, or an error of the server": (OVERLOADED, Tried(), OTHERS),
    "errored: a key, a model or credit that ends the run": (HALT, Tried(), OTHERS),
    "expired": (EXPIRED, Tried(), OTHERS),
    "canceled": (CANCELED, Tried(attempts=9), OTHERS),
}


def test_the_table_of_results_is_what_becomes_of_them() -> None:
    page = (REPOSITORY / "docs" / "outcomes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)[1:]
    assert [row[0] for row in rows] == list(TABLE)
    for row, becomes, its_item in rows:
        result, before, others = TABLE[row]
        answer = RULES.answer(result, before, others)
        is_halt = isinstance(result.outcome, Halt)
        assert ("Halt" if is_halt else answer.outcome.kind) == becomes, row
        assert ("settled" if answer.is_final else "asked again") == its_item, row


def test_what_has_no_price_is_not_uncertain() -> None:
    outcome = RULES.answer(judged_one(), Tried(in_flight=True), turnout()).outcome
    assert outcome.uncertain == 0


def test_a_probe_is_no_item() -> None:
    for result in (judged_one(), EXPIRED, REJECTED):
        probe = replace(result, digest=PROBE.digest)
        answer = RULES.answer(probe, Tried(attempts=9), turnout(probe, judged_one()))
        assert (answer.is_final, answer.counts) == (False, False)


def test_an_item_has_failed_whose_last_request_had_no_answer() -> None:
    assert has_failed(Tried(kind=OutcomeKind.TIMED_OUT))
    assert has_failed(Tried(kind=OutcomeKind.REJECTED))
    assert not has_failed(Tried())
    assert not has_failed(Tried(kind=OutcomeKind.INVALID))


def test_a_halt_is_no_items_fault() -> None:
    answer = RULES.answer(HALT, Tried(attempts=9), turnout(HALT, judged_one()))
    assert (answer.is_final, answer.counts) == (False, False)


def test_a_batch_tells_of_its_provider() -> None:
    assert RULES.end(turnout(judged_one(), OVERLOADED, REJECTED, EXPIRED)) is None
    assert RULES.end(turnout(CANCELED, EXPIRED)) is None
    assert RULES.end(turnout(judged_one(), HALT)) == Halt("no credit")
    assert RULES.end(turnout(OVERLOADED, REJECTED)) == OVERLOADED.outcome
    assert RULES.end(turnout(EXPIRED)) == EXPIRED.outcome
    assert RULES.end(turnout(TOO_LONG)) is None
    nothing = RULES.end(turnout())
    assert isinstance(nothing, Outcome)
    assert nothing.kind.is_availability


def test_rejections_alone_end_the_run_unless_they_are_few_and_others_were_answered_before() -> None:
    many, few = turnout(*[REJECTED] * 4), turnout(*[REJECTED] * 3)
    halt = Halt("every request is rejected: it was rejected")
    assert RULES.end(many) == RULES.end(few) == halt
    later = ResultRules.of(RunPolicy(), was_answered=True)
    assert later.end(many) == halt
    assert later.end(few) is None
    assert later.answer(REJECTED, Tried(), few).is_final
    assert not later.answer(REJECTED, Tried(), many).is_final


RESULTS = st.sampled_from(
    [judged_one(), EXPIRED, CANCELED, OVERLOADED, REJECTED, TOO_LONG, INVALID, HALT]
)


@given(rest=st.lists(RESULTS, max_size=4), result=RESULTS)
def test_an_item_comes_to_its_end_once_its_tries_count(
    rest: list[BatchResult], result: BatchResult
) -> None:
    before = Tried()
    for _ in range(RULES.max_attempts):
        answer = RULES.answer(result, before, turnout(result, *rest))
        if answer.is_final or not answer.counts:
            return
        before = replace(before, attempts=before.attempts + 1, kind=answer.outcome.kind)
    pytest.fail("it is asked for ever")


def test_an_item_without_a_verdict_is_settled_by_its_own_failure_alone() -> None:
    own = Tried(attempts=3, is_final=True, kind=OutcomeKind.TIMED_OUT, detail="expired")
    assert settled_without_verdict(own) == Outcome(OutcomeKind.TIMED_OUT, detail="expired")
    for tried in (Tried(), Tried(in_flight=True), replace(own, is_final=False)):
        assert settled_without_verdict(tried) is None
    assert not is_to_be_asked(own)
    assert not is_to_be_asked(Tried(in_flight=True))
    assert is_to_be_asked(replace(own, is_final=False))


def sent(number: int, polled_at: float | None, requests: int = 1_200) -> Batch:
    status, nonce = BatchStatus.SENT, "n" * NONCE_CHARS
    return Batch(number, status, requests, NOW, nonce, f"b{number}", polled_at=polled_at)


def test_a_batch_is_asked_after_when_it_is_time() -> None:
    batch = sent(1, NOW)
    assert is_to_be_polled(sent(1, None), NOW, POLL_S)
    assert not is_to_be_polled(batch, NOW + 59, POLL_S)
    assert is_to_be_polled(batch, NOW + 60, POLL_S)
    assert not is_to_be_polled(replace(batch, status=BatchStatus.ENDED), NOW + 60, POLL_S)


def test_a_step_waits_for_the_batch_that_is_due_first() -> None:
    assert waits_for((INTENT,), NOW, POLL_S) is None
    assert waits_for((sent(1, NOW),), NOW + 0.5, POLL_S) == Snooze(
        60, "batch b1 is in progress: 1,200 requests, sent 0 s ago"
    )
    batches = (sent(1, NOW + 150), sent(2, NOW + 140, 1))
    assert waits_for(batches, NOW + 180, POLL_S) == Snooze(
        20, "batch b2 is in progress: 1 request, sent 3 min ago, and 1 more"
    )
    late = waits_for((sent(1, NOW),), NOW + 5_400, POLL_S)
    assert late == Snooze(1, "batch b1 is in progress: 1,200 requests, sent 1.5 h ago")


def test_no_clock_that_was_set_back_makes_a_step_wait_longer() -> None:
    late = waits_for((sent(1, NOW + 86_400),), NOW, POLL_S)
    assert late is not None
    assert late.seconds == 60


def test_a_batch_at_the_provider_is_found() -> None:
    stranger = Candidate(replace(REMOTE, id="other"), is_ours=False)
    found = fate(INTENT, [stranger, Candidate(REMOTE, is_ours=True)], NOW + 1, POLL_S)
    assert found == Adopted(REMOTE)


def test_a_batch_is_not_given_up_while_it_may_arrive() -> None:
    stranger = Candidate(REMOTE, is_ours=False)
    waits = fate(INTENT, [stranger], NOW + CREATING_S - 5, POLL_S)
    assert waits == Snooze(5, "a batch may still be on its way to the provider")
    assert fate(INTENT, [stranger], NOW + CREATING_S, POLL_S) == Lost()


def test_a_batch_is_not_given_up_while_one_has_no_results_that_may_be_it() -> None:
    unknown = Candidate(replace(REMOTE, is_ended=False), is_ours=None)
    waits = fate(INTENT, [unknown], NOW + 10 * CREATING_S, POLL_S)
    assert isinstance(waits, Snooze)
    assert "msgbatch_1, which may be the one" in waits.reason


def test_only_what_was_created_then_may_be_it() -> None:
    def at(seconds: float) -> bool:
        return may_be(INTENT, replace(REMOTE, created_at=NOW + seconds))

    assert at(-CLOCKS_S)
    assert not at(-CLOCKS_S - 1)
    assert at(CREATING_S + CLOCKS_S)
    assert not at(CREATING_S + CLOCKS_S + 1)


def test_only_what_is_as_large_may_be_it_where_that_is_told() -> None:
    assert may_be(INTENT, replace(REMOTE, requests=INTENT.requests))
    assert not may_be(INTENT, replace(REMOTE, requests=INTENT.requests + 1))
    assert may_be(INTENT, replace(REMOTE, requests=None))


@given(
    nonce=st.from_regex(rf"[A-Za-z0-9]{{{NONCE_CHARS}}}", fullmatch=True),
    digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
def test_the_name_of_a_request_tells_its_batch_and_its_item(nonce: str, digest: str) -> None:
    name = custom_id(nonce, digest)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    assert read_custom_id(name) == (nonce, digest)


def test_other_names_are_not_taken_for_those_of_requests() -> None:
    name = custom_id("n" * NONCE_CHARS, "f" * 64)
    assert name.endswith("8")
    others = ("", "my-own-1", "f" * 64, f"{name}8", f"{name}\n", f"{name[:-1]}9", f"-{name[1:]}")
    for other in others:
        assert read_custom_id(other) is None
