"""Checkpoints: what is written, what is not, and all or nothing."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

import pytest

from kclassify.core.decision import Advance, Done, Halt
from kclassify.core.item import Key
from kclassify.core.policy import Action
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import SourceError
from kclassify.ports import Evaluated, Ledger, Mode, WrittenRow
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    NOW,
    LedgerMaterial,
    change,
    checkpoint_of,
    digest,
    failure,
    open_pass,
    same,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter


class LedgerWrites(LedgerMaterial):
    """What `checkpoint` does."""

    def test_a_dry_run_proposes_and_writes_nothing(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention"})
        items = [change(1), same(2), failure(3, OutcomeKind.REFUSED)]
        recorded = save(ledger, open_pass(ledger, Mode.DRY_RUN), items, writer)
        assert recorded.actions == [Action.CHANGE, Action.SAME, Action.FAILED]
        assert (recorded.opened.settled, recorded.opened.cursor) == (3, 3)
        assert writer.tried == []

    def test_a_commit_writes_each_change_once_in_order(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention", 2: None, 4: "convention"})
        items = [change(1), change(2, None), same(3), change(4, after="insight")]
        recorded = save(ledger, open_pass(ledger), items, writer)
        assert recorded.actions == [Action.WRITTEN, Action.WRITTEN, Action.SAME, Action.WRITTEN]
        assert writer.labels == {1: "playbook", 2: "playbook", 4: "insight"}
        assert [write.change.key for write in writer.tried] == [1, 2, 4]
        assert not any(write.redo for write in writer.tried)
        assert len({write.idempotency_key for write in writer.tried}) == 3

    def test_a_row_that_was_changed_meanwhile_is_a_conflict(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "quote", 2: "convention"})
        recorded = save(ledger, open_pass(ledger), [change(1), change(2)], writer)
        assert recorded.actions == [Action.CONFLICT, Action.WRITTEN]
        assert writer.labels == {1: "quote", 2: "playbook"}

    def test_idempotency_keys_differ_from_pass_to_pass(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention"})
        ledger.close_step(save(ledger, open_pass(ledger), [change(1)], writer).opened, Done(), NOW)
        back = change(1, "playbook", "insight")
        save(ledger, open_pass(ledger), [back], writer)
        first, second = (write.idempotency_key for write in writer.tried)
        assert first != second
        assert writer.labels == {1: "insight"}

    def test_what_a_run_has_written_is_told_in_its_order(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention", 2: "quote", "3": "convention", 4: "convention"})
        opened = open_pass(ledger)
        assert list(ledger.written("r")) == []
        items = [change("3", after="insight"), change(2), same(4), change(1)]
        save(ledger, opened, items, writer)
        three, one = WrittenRow("3", "insight", digest("3")), WrittenRow("1", "playbook", digest(1))
        assert list(ledger.written("r")) == [three, one]
        assert list(ledger.written("another")) == []

    @pytest.mark.parametrize(
        ("fingerprint", "source"), [("e" * 64, "articles"), (FINGERPRINT, "other")]
    )
    def test_what_an_abandoned_commit_has_written_is_not_forgotten(
        self, ledger: Ledger, fingerprint: str, source: str
    ) -> None:
        writer = MemoryWriter({1: "convention", 2: "convention"})
        opened = save(ledger, open_pass(ledger), [change(1)], writer).opened
        ledger.close_step(opened, Halt("no credentials"), NOW)
        anew = open_pass(ledger, fingerprint=fingerprint, source=source)
        save(ledger, anew, [change(2)], writer)
        assert [row.key for row in ledger.written("r")] == ["1", "2"]
        assert not any(row.finished for row in ledger.written("r"))

    def test_what_was_written_before_a_commit_ended_is_finished(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention", 2: "convention"})
        ledger.close_step(save(ledger, open_pass(ledger), [change(1)], writer).opened, Done(), NOW)
        save(ledger, open_pass(ledger), [change(2)], writer)
        assert [(row.key, row.finished) for row in ledger.written("r")] == [
            ("1", True),
            ("2", False),
        ]

    def test_what_was_written_is_told_with_each_record_that_its_pass_went_on_for(
        self, ledger: Ledger
    ) -> None:
        writer = MemoryWriter({1: "convention", 2: "convention", 3: "convention"})
        opened = save(ledger, open_pass(ledger, gate="a"), [change(1)], writer).opened
        ledger.close_step(opened, Advance(1), NOW)
        opened = save(ledger, open_pass(ledger, gate="b"), [change(2)], writer).opened
        ledger.close_step(opened, Done(), NOW)
        save(ledger, open_pass(ledger, override="in a hurry"), [change(3)], writer)
        gates = [row.gates for row in ledger.written("r")]
        assert gates == [("a", "b"), ("a", "b"), ()]
        assert not any(row.reverted for row in ledger.written("r"))

    def test_a_dry_run_has_written_nothing(self, ledger: Ledger) -> None:
        save(ledger, open_pass(ledger, Mode.DRY_RUN), [change(1)])
        assert list(ledger.written("r")) == []

    def test_a_finished_dry_run_is_known_by_its_number(self, ledger: Ledger) -> None:
        opened = save(ledger, open_pass(ledger, Mode.DRY_RUN), [change(1), same(2)]).opened
        assert ledger.dry_run_rows("r", 1) is None
        ledger.close_step(opened, Done(), NOW)
        assert ledger.dry_run_rows("r", 1) == 2
        assert (ledger.dry_run_rows("r", 2), ledger.dry_run_rows("another", 1)) == (None, None)

    def test_a_commit_is_no_dry_run(self, ledger: Ledger) -> None:
        opened = save(ledger, open_pass(ledger), [same(1)], MemoryWriter({})).opened
        ledger.close_step(opened, Done(), NOW)
        assert ledger.dry_run_rows("r", 1) is None

    def test_what_a_dry_run_settled_of_an_item_is_told(self, ledger: Ledger) -> None:
        items = [change(1, None), change("1"), failure(3, OutcomeKind.REFUSED), same(4)]
        opened = save(ledger, open_pass(ledger, Mode.DRY_RUN), items).opened
        ledger.close_step(opened, Done(), NOW)
        assert ledger.evaluated("r", 1, [1, "1", 3, 9]) == {
            1: Evaluated(digest(1), None, "playbook", 0.9),
            "1": Evaluated(digest("1"), "convention", "playbook", 0.9),
            3: Evaluated(digest(3), "convention", None, None),
        }
        assert ledger.evaluated("r", 2, [1]) == ledger.evaluated("another", 1, [1]) == {}

    def test_checkpoints_follow_each_other(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention", 2: "convention"})
        opened = save(ledger, open_pass(ledger), [change(1)], writer).opened
        opened = save(ledger, opened, [change(2)], writer).opened
        assert (opened.settled, opened.cursor) == (2, 2)
        ledger.close_step(opened, Advance(2), NOW)
        again = open_pass(ledger)
        assert (again.settled, again.cursor) == (2, 2)

    def test_a_commit_without_a_writer_is_refused(self, ledger: Ledger) -> None:
        opened = open_pass(ledger)
        with pytest.raises(ValueError, match="a commit needs a writer"):
            ledger.checkpoint(opened, FINGERPRINT, checkpoint_of([change(1)]), None, NOW)

    @pytest.mark.parametrize("mode", list(Mode))
    def test_on_commit_is_called_with_the_cursor(self, ledger: Ledger, mode: Mode) -> None:
        cursors: list[Key | None] = []
        writer = MemoryWriter({1: "convention"})
        opened = open_pass(ledger, mode)
        save(ledger, opened, [change(1)], writer, lambda _, cursor: cursors.append(cursor))
        assert cursors == [1]

    def test_an_error_in_on_commit_leaves_everything_as_it_was(self, ledger: Ledger) -> None:
        opened = open_pass(ledger, Mode.DRY_RUN)
        with pytest.raises(ZeroDivisionError):
            save(ledger, opened, [same(1)], None, _fail)
        assert ledger.recall([same(1).item_digest], FINGERPRINT) == {}
        recorded = save(ledger, opened, [same(1)])
        assert recorded.opened.settled == 1

    def test_no_item_is_settled_twice_in_a_pass(self, ledger: Ledger) -> None:
        opened = save(ledger, open_pass(ledger, Mode.DRY_RUN), [same(1)]).opened
        with pytest.raises(SourceError, match="pass 1 of run 'r' met an item for the second time"):
            save(ledger, opened, [same(2), same(1)])
        assert save(ledger, opened, [same(2)]).opened.settled == 2

    def test_no_item_is_settled_twice_in_a_checkpoint(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention"})
        opened = open_pass(ledger)
        with pytest.raises(SourceError, match="for the second time"):
            save(ledger, opened, [change(1), change(1)], writer)
        assert writer.tried == []


def _fail(connection: object, cursor: Key | None) -> None:
    raise ZeroDivisionError(f"enqueueing after {cursor} on {connection}")
