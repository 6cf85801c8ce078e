"""Nothing is paid twice."""
# ruff: noqa: S101, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.core.policy import Action
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.ports import Ledger, Mode, Settled
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    NOW,
    LedgerMaterial,
    MakeLedger,
    digest,
    failed,
    failure,
    open_pass,
    same,
    save,
    verdict_of,
)

KINDS = [kind for kind in OutcomeKind if kind is not OutcomeKind.JUDGED]


class LedgerVerdicts(LedgerMaterial):
    """Recording and recalling."""

    def test_nothing_is_recalled_from_an_empty_ledger(self, ledger: Ledger) -> None:
        assert ledger.recall([digest(1)], FINGERPRINT) == {}
        assert ledger.recall([], FINGERPRINT) == {}

    def test_a_verdict_is_recalled_whole(self, make_ledger: MakeLedger) -> None:
        make_ledger().record(FINGERPRINT, [(digest(1), verdict_of())], NOW)
        recalled = make_ledger().recall([digest(1), digest(2)], FINGERPRINT)
        assert recalled == {digest(1): verdict_of().as_recalled()}

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_outcome_is_recalled_but_for_its_wait(
        self, ledger: Ledger, kind: OutcomeKind
    ) -> None:
        ledger.record(FINGERPRINT, [(digest(1), failed(kind))], NOW)
        recalled = ledger.recall([digest(1)], FINGERPRINT)[digest(1)]
        assert recalled == replace(failed(kind), retry_after_s=None, recalled=True)

    def test_what_is_recorded_stays(self, ledger: Ledger) -> None:
        assert ledger.record(FINGERPRINT, [(digest(1), verdict_of("playbook"))], NOW) == {}
        again = [(digest(1), verdict_of("insight")), (digest(2), verdict_of("insight"))]
        earlier = ledger.record(FINGERPRINT, again, NOW + 1)
        assert earlier == {digest(1): verdict_of("playbook").as_recalled()}
        recalled = ledger.recall([digest(1), digest(2)], FINGERPRINT)
        assert recalled[digest(1)] == verdict_of("playbook").as_recalled()
        assert recalled[digest(2)] == verdict_of("insight").as_recalled()

    def test_two_items_with_one_text_may_be_recorded_at_once(self, ledger: Ledger) -> None:
        twice: list[tuple[str, Outcome[str]]] = [(digest(1), verdict_of())] * 2
        assert ledger.record(FINGERPRINT, twice, NOW) == {}
        assert len(ledger.recall([digest(1)], FINGERPRINT)) == 1

    def test_of_two_answers_for_one_text_the_first_counts(self, ledger: Ledger) -> None:
        answers = [(digest(1), verdict_of(label)) for label in ("playbook", "insight")]
        first = {digest(1): verdict_of("playbook").as_recalled()}
        assert ledger.record(FINGERPRINT, answers, NOW) == first
        assert ledger.recall([digest(1)], FINGERPRINT) == first

    def test_an_answer_of_another_classifier_does_not_count(self, ledger: Ledger) -> None:
        ledger.record("e" * 64, [(digest(1), verdict_of("playbook"))], NOW)
        assert ledger.record(FINGERPRINT, [(digest(1), verdict_of("insight"))], NOW) == {}

    def test_another_fingerprint_recalls_nothing(self, ledger: Ledger) -> None:
        ledger.record(FINGERPRINT, [(digest(1), verdict_of())], NOW)
        assert ledger.recall([digest(1)], "e" * 64) == {}

    def test_many_are_recorded_and_recalled(self, ledger: Ledger) -> None:
        digests = [digest(number) for number in range(1200)]
        said = [(each, verdict_of()) for each in digests]
        assert ledger.record(FINGERPRINT, said[1:], NOW) == {}
        assert ledger.record(FINGERPRINT, said, NOW).keys() == set(digests[1:])
        assert ledger.recall(digests, FINGERPRINT).keys() == set(digests)

    def test_recording_nothing_does_nothing(self, ledger: Ledger) -> None:
        assert ledger.record(FINGERPRINT, [], NOW) == {}

    def test_text_that_a_database_refuses_is_no_reason_to_fail(self, ledger: Ledger) -> None:
        odd = Outcome[str](OutcomeKind.INVALID, detail="a\0b\ud800c")
        ledger.record(FINGERPRINT, [(digest(1), odd)], NOW)
        assert ledger.recall([digest(1)], FINGERPRINT)[digest(1)].kind is OutcomeKind.INVALID
        opened = open_pass(ledger, Mode.DRY_RUN)
        save(ledger, opened, [Settled(1, digest(1), None, odd, Action.FAILED)])

    @pytest.mark.parametrize(
        "kind",
        [
            OutcomeKind.REJECTED,
            OutcomeKind.TOO_LONG,
            OutcomeKind.TIMED_OUT,
            OutcomeKind.THROTTLED,
            OutcomeKind.UNAVAILABLE,
        ],
    )
    def test_a_settled_failure_is_recalled_though_no_call_recorded_it(
        self, ledger: Ledger, kind: OutcomeKind
    ) -> None:
        save(ledger, open_pass(ledger, Mode.DRY_RUN), [failure(1, kind)])
        assert ledger.recall([digest(1)], FINGERPRINT)[digest(1)].kind is kind

    def test_an_empty_item_is_not_recorded(self, ledger: Ledger) -> None:
        save(ledger, open_pass(ledger, Mode.DRY_RUN), [failure(1, OutcomeKind.EMPTY)])
        assert ledger.recall([digest(1)], FINGERPRINT) == {}

    def test_what_was_recalled_is_not_recorded_again(self, ledger: Ledger) -> None:
        item = same(1)
        recalled = replace(item, outcome=item.outcome.as_recalled())
        save(ledger, open_pass(ledger, Mode.DRY_RUN), [recalled])
        assert ledger.recall([digest(1)], FINGERPRINT) == {}
