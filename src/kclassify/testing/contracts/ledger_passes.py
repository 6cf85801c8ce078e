"""Passes are gone on with, or started."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from uuid import UUID

import pytest

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Advance, Done, Halt, Snooze
from kclassify.core.item import Key
from kclassify.core.verdict import OutcomeKind
from kclassify.ports import Ledger, Mode, Recorded
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    NOW,
    LedgerMaterial,
    MakeLedger,
    checkpoint_of,
    open_pass,
    same,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter


class LedgerPasses(LedgerMaterial):
    """What `open` finds."""

    def test_the_first_pass_is_new(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        assert (opened.run, opened.mode, opened.number) == ("r", Mode.DRY_RUN, 1)
        assert (opened.cursor, opened.settled, opened.resumed) == (None, 0, False)
        assert (opened.breaker, opened.suspects) == (Breaker(), ())

    @pytest.mark.parametrize(
        "key", [42, -1, "kb-1", "i:42", "", UUID("6f9c0b1e-8a3f-4c58-9d6c-2f2d3f6e1a10")]
    )
    def test_a_pass_is_gone_on_with_at_its_cursor(self, make_ledger: MakeLedger, key: Key) -> None:
        first = make_ledger()
        opened = open_pass(first, Mode.DRY_RUN)
        recorded = save(first, opened, [same(key)])
        first.close_step(recorded.opened, Advance(key), NOW)
        again = open_pass(make_ledger(), Mode.DRY_RUN)
        assert (again.id, again.number) == (opened.id, 1)
        assert (again.cursor, again.settled, again.resumed) == (key, 1, True)
        assert type(again.cursor) is type(key)

    def test_breaker_and_suspects_outlive_the_step(self, make_ledger: MakeLedger) -> None:
        first = make_ledger()
        opened = open_pass(first)
        breaker = Breaker(snoozes=2, until=NOW + 61.5, seconds=120, outage_since=NOW - 10.125)
        suspects = (
            Suspect(3, 1, undecided=True),
            Suspect("x", 2, undecided=False, kind=OutcomeKind.TIMED_OUT),
        )
        checkpoint = checkpoint_of([], None, breaker, suspects)
        recorded = first.checkpoint(opened, FINGERPRINT, checkpoint, MemoryWriter({}), NOW)
        assert isinstance(recorded, Recorded)
        assert (recorded.opened.breaker, recorded.actions) == (breaker, [])
        first.close_step(recorded.opened, Snooze(120, "too many calls"), NOW)
        again = open_pass(make_ledger())
        assert again.breaker == breaker
        assert set(again.suspects) == set(suspects)
        assert again.resumed

    def test_suspects_are_replaced(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        for suspects in [(Suspect(1, 1, undecided=True),), (Suspect(1, 2, undecided=False),), ()]:
            checkpoint = checkpoint_of([], None, None, suspects)
            recorded = ledger.checkpoint(opened, FINGERPRINT, checkpoint, None, NOW)
            assert isinstance(recorded, Recorded)
            opened = recorded.opened
            ledger.close_step(opened, Advance(None), NOW)
            opened = open_pass(ledger, Mode.DRY_RUN)
            assert opened.suspects == suspects

    def test_a_pass_in_which_nothing_happened_is_not_called_resumed(self, ledger: Ledger) -> None:
        ledger.close_step(open_pass(ledger), Advance(None), NOW)
        assert not open_pass(ledger).resumed

    def test_after_a_pass_that_is_done_comes_the_next(self, ledger: Ledger) -> None:
        recorded = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)])
        ledger.close_step(recorded.opened, Done(), NOW)
        again = open_pass(ledger, Mode.DRY_RUN)
        assert (again.number, again.cursor, again.settled, again.resumed) == (2, None, 0, False)

    def test_a_halted_pass_is_gone_on_with(self, ledger: Ledger) -> None:
        recorded = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)])
        ledger.close_step(recorded.opened, Halt("no credentials"), NOW)
        again = open_pass(ledger, Mode.DRY_RUN)
        assert (again.number, again.cursor) == (1, 1)
        assert save(ledger, again, [same(2)]).opened.settled == 2

    def test_the_modes_have_passes_of_their_own(self, ledger: Ledger) -> None:
        dry = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)]).opened
        ledger.close_step(dry, Advance(1), NOW)
        commit = open_pass(ledger, Mode.COMMIT)
        assert (commit.number, commit.cursor) == (2, None)
        ledger.close_step(commit, Advance(None), NOW)
        assert open_pass(ledger, Mode.DRY_RUN).number == 1

    @pytest.mark.parametrize(
        ("fingerprint", "source"), [("e" * 64, "articles"), (FINGERPRINT, "other")]
    )
    def test_another_classifier_or_source_starts_anew(
        self, ledger: Ledger, fingerprint: str, source: str
    ) -> None:
        recorded = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)])
        ledger.close_step(recorded.opened, Advance(1), NOW)
        anew = open_pass(ledger, Mode.DRY_RUN, fingerprint=fingerprint, source=source)
        assert (anew.number, anew.cursor, anew.resumed) == (2, None, False)
        ledger.close_step(anew, Advance(None), NOW)
        back = open_pass(ledger, Mode.DRY_RUN)
        assert (back.number, back.cursor) == (3, None)
