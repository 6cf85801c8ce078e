"""What calls cost is charged to the step that made them, to the last one."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from kclassify.core.decision import Advance, Decision, Done, Halt, Superseded
from kclassify.core.spending import Charge, Spending
from kclassify.core.verdict import Usage
from kclassify.ports import Ledger, Mode, Pass
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    USAGE,
    LedgerMaterial,
    MakeLedger,
    digest,
    open_pass,
    same,
    save,
    three_workers,
    verdict_of,
)

LATER = NOW + LEASE_S
DRY = Mode.DRY_RUN
_BIG_COST = 7_000_000_000_000
BIG = Charge(
    40_000, 90_000.5, Usage(*[3_000_000_000] * 4), _BIG_COST, 3, _BIG_COST, questions=3_000_000_000
)
"""A long run of an expensive model: more than 32 bits of everything but calls."""


def charge(cost: int = 0, uncertain: int = 0, usage: Usage = USAGE) -> Charge:
    """What one call came to, in nanodollars."""
    return Charge(1, 0.5, usage, cost, 0, uncertain, questions=2)


def pay(ledger: Ledger, opened: Pass, cost: int = 0, uncertain: int = 0, now: float = NOW) -> None:
    """Charge the step with a call that brought no verdict."""
    ledger.record(FINGERPRINT, [], now, opened=opened, charge=charge(cost, uncertain))


class LedgerCharges(LedgerMaterial):
    """What was paid is charged to the step that paid it."""

    def test_a_run_that_is_not_there_or_has_not_called_has_spent_nothing(
        self, ledger: Ledger
    ) -> None:
        assert ledger.spending("r") == Spending()
        open_pass(ledger)
        assert ledger.spending("r") == Spending()

    def test_charges_add_up(self, make_ledger: MakeLedger) -> None:
        first = make_ledger()
        opened = open_pass(first)
        said = [(digest(1), verdict_of())]
        first.record(FINGERPRINT, said, NOW, opened=opened, charge=charge(5, 2))
        first.record(FINGERPRINT, [(digest(2), verdict_of())], NOW, opened=opened, charge=BIG)
        assert make_ledger().spending("r") == Spending(charge(5, 2) + BIG)
        assert len(first.recall([digest(1), digest(2)], FINGERPRINT)) == 2

    def test_a_call_without_a_verdict_is_charged(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        unpriced = Charge(1, 2.5, USAGE, 0, 1, 0)
        assert ledger.record(FINGERPRINT, [], NOW, opened=opened, charge=unpriced) == {}
        assert ledger.spending("r").charge == unpriced

    def test_a_verdict_that_was_there_is_charged_all_the_same(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        for _ in range(2):
            said = [(digest(1), verdict_of())]
            ledger.record(FINGERPRINT, said, NOW, opened=opened, charge=charge(5))
        assert ledger.spending("r").charge.cost == 10

    def test_a_group_that_is_sent_again_is_charged_once(self, make_ledger: MakeLedger) -> None:
        """Its worker lost the connection, and does not know whether it was stored."""
        first = make_ledger()
        opened = open_pass(first)
        for ledger in (first, make_ledger()):
            said = [(digest(1), verdict_of())]
            ledger.reserve(opened, 100, 50, NOW)
            ledger.record(FINGERPRINT, said, NOW, opened=opened, charge=charge(5, 2), number=1)
            ledger.record(FINGERPRINT, [], NOW, opened=opened, charge=charge(7), number=2)
            ledger.record(FINGERPRINT, said, NOW, opened=opened, charge=charge(5, 2), number=1)
        spent = first.spending("r")
        assert (spent.charge, spent.most) == (charge(5, 2) + charge(7), 14 + 50)
        pay(first, opened, 1)
        assert first.spending("r").charge.cost == 13
        again = open_pass(first)
        first.record(FINGERPRINT, [], NOW, opened=again, charge=charge(4), number=1)
        assert first.spending("r").charge.cost == 17

    def test_what_is_recorded_without_a_step_is_charged_to_none(self, ledger: Ledger) -> None:
        open_pass(ledger)
        ledger.record(FINGERPRINT, [(digest(1), verdict_of())], NOW)
        assert ledger.spending("r") == Spending()

    def test_a_checkpoint_charges_nothing(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, DRY)
        said = [(digest(1), verdict_of())]
        ledger.record(FINGERPRINT, said, NOW, opened=opened, charge=charge(5, 2))
        save(ledger, opened, [same(1), same(2)])
        assert ledger.spending("r").charge == charge(5, 2)

    def test_the_spending_of_one_run_is_none_of_another(self, ledger: Ledger) -> None:
        one, another = open_pass(ledger), open_pass(ledger, run="another")
        pay(ledger, one, 5)
        pay(ledger, another, 7)
        assert (one.step, ledger.spending("r").charge.cost) != (another.step, 7)
        assert ledger.spending("r").charge.cost == 5
        assert ledger.spending("another").charge.cost == 7

    def test_passes_and_resumed_steps_of_a_run_add_up(self, ledger: Ledger) -> None:
        steps: set[int] = set()
        endings: list[Decision] = [Advance(None), Done(), Halt("no key")]
        for number, ending in enumerate(endings):
            for mode in Mode:
                opened = open_pass(ledger, mode, fingerprint="ef"[number % 2] * 64)
                pay(ledger, opened, 10, 1)
                ledger.close_step(opened, ending, NOW)
                steps.add(opened.step)
        assert len(steps) == 6
        total = ledger.spending("r")
        assert (total.charge.calls, total.charge.cost, total.charge.uncertain) == (6, 60, 6)
        assert (total.held, total.most) == (0, 66)

    def test_shards_of_a_run_add_up(self, ledger: Ledger) -> None:
        for worker in three_workers(ledger):
            pay(ledger, worker, 10)
        assert ledger.spending("r").charge.cost == 30

    def test_who_was_overtaken_is_charged_for_what_comes_in_late(self, ledger: Ledger) -> None:
        loser = open_pass(ledger, DRY, holder="one")
        winner = open_pass(ledger, DRY, holder="two", now=LATER)
        said = [(digest(1), verdict_of())]
        ledger.record(FINGERPRINT, said, LATER, opened=loser, charge=charge(5))
        ledger.close_step(loser, Superseded("two"), LATER)
        pay(ledger, loser, 7)
        assert ledger.spending("r").charge.cost == 12
        assert ledger.recall([digest(1)], FINGERPRINT).keys() == {digest(1)}
        assert ledger.heartbeat(winner, LATER, LEASE_S)


class LedgerCacheAge(LedgerMaterial):
    """When the classifier was last answered: its prefix may still be cached."""

    def test_a_new_run_was_never_answered(self, ledger: Ledger) -> None:
        assert open_pass(ledger).last_call_at is None
        assert open_pass(ledger).last_call_at is None

    def test_the_last_answer_in_any_pass_counts(self, make_ledger: MakeLedger) -> None:
        first = make_ledger()
        opened = open_pass(first, DRY)
        pay(first, opened, 1, now=NOW + 9.25)
        pay(first, opened, 1, now=NOW + 5)
        first.close_step(opened, Done(), NOW + 10)
        again = open_pass(make_ledger(), now=NOW + 10)
        assert again.last_call_at == NOW + 5
        pay(first, again, 1, now=NOW + 11)
        assert open_pass(make_ledger(), DRY, now=NOW + 12).last_call_at == NOW + 11

    def test_an_earlier_step_may_have_been_answered_last(self, ledger: Ledger) -> None:
        first, second, third = three_workers(ledger)
        pay(ledger, first, 1, now=NOW + 7)
        pay(ledger, third, 1, now=NOW + 3)
        ledger.close_step(second, Advance(None), NOW + 8)
        assert open_pass(ledger, DRY, holder="four", now=NOW + 8).last_call_at == NOW + 7

    def test_another_classifier_or_another_run_warms_nothing(self, ledger: Ledger) -> None:
        pay(ledger, open_pass(ledger), 1)
        assert open_pass(ledger, fingerprint="e" * 64).last_call_at is None
        assert open_pass(ledger, run="another").last_call_at is None
        assert open_pass(ledger).last_call_at == NOW

    def test_a_call_that_nobody_answered_warms_nothing(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        lost = charge(0, 50, Usage())
        ledger.record(FINGERPRINT, [], NOW, opened=opened, charge=lost)
        assert open_pass(ledger).last_call_at is None
        assert ledger.spending("r").charge == lost
