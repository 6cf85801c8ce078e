from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.core.batch import Answer, Batch, BatchStatus, Standing
from kclassify.core.unread_batches import left_aside, of_another_classifier, refusal, with_others
from kclassify.core.verdict import Outcome, OutcomeKind, Usage

DIGEST = "a" * 64
ANSWERED = Outcome[str](OutcomeKind.REFUSED, usage=Usage(100, 10), cost=500)


def batch(number: int, pass_id: int = 1, fingerprint: str = "ours") -> Batch:
    return Batch(
        number,
        BatchStatus.SENT,
        10,
        0.0,
        "n" * 20,
        remote_id=f"batch_{number}",
        pass_id=pass_id,
        fingerprint=fingerprint,
    )


UNUSABLE = OutcomeKind.INVALID, False


@pytest.mark.parametrize(
    ("kind", "is_kept"), [(OutcomeKind.REFUSED, True), (OutcomeKind.TOO_LONG, True), UNUSABLE]
)
def test_a_reply_that_another_classifier_cannot_use_may_have_been_right(
    kind: OutcomeKind, is_kept: bool
) -> None:
    answer = Answer(DIGEST, replace(ANSWERED, kind=kind), is_final=True)
    kept = of_another_classifier(answer, 2_000, is_same_model=True)
    assert kept == replace(answer, is_final=is_kept)


@pytest.mark.parametrize(("worst", "uncertain"), [(2_000, 2_000), (None, 0)])
def test_an_answer_of_another_model_costs_what_it_can_cost_at_most(
    worst: int | None, uncertain: int
) -> None:
    answer = Answer(DIGEST, ANSWERED, is_final=True)
    kept = of_another_classifier(answer, worst, is_same_model=False)
    assert (kept.outcome.cost, kept.outcome.uncertain) == (None, uncertain)


def test_what_was_not_answered_costs_nothing_of_any_model() -> None:
    answer = Answer(DIGEST, Outcome[str](OutcomeKind.UNAVAILABLE), is_final=False)
    assert of_another_classifier(answer, 2_000, is_same_model=False) == answer


def test_each_unread_batch_of_a_run_has_its_place() -> None:
    ours, sibling = batch(1), batch(2)
    same, strange, gone = batch(3, 2), batch(4, 2, "other"), batch(5, 3, "other")
    unread = [ours, sibling, same, strange, gone]
    found = with_others(Standing((ours,)), unread, 1, "ours", {gone.id})
    assert found == Standing((ours,), elsewhere=(same,), strange=(strange,), out_of_reach=(gone,))
    assert found.awaited == (ours, same)
    assert found.aside == (same, strange, gone)


def test_only_batches_that_ask_the_same_are_in_the_way_of_calls() -> None:
    assert refusal([batch(1, fingerprint="other")], "ours") is None
    said = refusal([batch(1), batch(2, 2), batch(3, 2, "other")], "ours")
    assert said is not None
    assert said.reason.startswith("2 batches of this run are not read yet (batch_1, batch_2): ")


def test_a_message_names_some_of_many() -> None:
    told = left_aside([batch(number) for number in range(1, 9)])
    assert told is not None
    assert (
        "8 batches of another pass of this run are not read yet (batch_1, batch_2, batch_3, …)"
        in told
    )
    assert left_aside([]) is None
