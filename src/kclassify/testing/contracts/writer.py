"""What every writer must do."""
# ruff: noqa: S101, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from kclassify.core.item import Key
from kclassify.ports import WriteResult
from kclassify.testing.contracts.hook import given
from kclassify.testing.contracts.writer_material import MakeWriter, ReadLabels, WriterUnderTest

if TYPE_CHECKING:
    from sqlalchemy import Connection

Begin = Callable[[], AbstractContextManager["Connection"]]
WRITTEN, CONFLICT = WriteResult.WRITTEN, WriteResult.CONFLICT


class WriterContract:
    """A suite for a `kclassify.ports.Writer`.

    A subclass overrides two fixtures: `make_writer` stores rows with these labels and gives a
    writer for them, `read_labels` says what their labels are now. The writer's `finish` is called
    before that.

        class TestMyWriter(WriterContract):
            @pytest.fixture
            def make_writer(self, tmp_path):
                return lambda labels: MyWriter(store(labels, tmp_path / "articles"))

            @pytest.fixture
            def read_labels(self, tmp_path):
                return lambda: labels_in(tmp_path / "articles")

    The labels are `old`, `new`, `newer` and `moved`. Where ledger and rows share a database, also
    override `begin`.
    """

    batch = 1300
    """How many writes the largest batch has: set it lower where each one takes its time."""

    def key(self, number: int) -> Key:
        """The key of that number, in the order of numbers; override it where keys are no texts."""
        return f"k{number:04}"

    @pytest.fixture
    def begin(self) -> Begin | None:
        """Opens a transaction of the rows' database; None skips."""
        return None

    @pytest.fixture
    def check(self, make_writer: MakeWriter, read_labels: ReadLabels) -> WriterUnderTest:
        """The writer under test, with what the tests ask of it."""
        return WriterUnderTest(self.key, make_writer, read_labels)

    def test_labels_are_written_where_they_are_as_read(self, check: WriterUnderTest) -> None:
        check.store("old", "moved", None, "old")
        told = check.apply((0, "old", "new"), (1, "old", "new"), (2, None, "new"))
        assert told == [WRITTEN, CONFLICT, WRITTEN]
        check.hold("new", "moved", "new", "old")

    def test_no_label_and_a_label_are_never_the_same(self, check: WriterUnderTest) -> None:
        check.store(None, "old")
        assert check.apply((0, "old", "new"), (1, None, "new")) == [CONFLICT, CONFLICT]
        check.hold(None, "old")

    def test_a_row_that_is_not_there_is_a_conflict_and_is_not_made(
        self, check: WriterUnderTest
    ) -> None:
        check.store("old", "old")
        told = check.apply((0, "old", "new"), (9, "old", "new"), (8, None, "new"))
        assert told == [WRITTEN, CONFLICT, CONFLICT]
        assert check.apply((9, "old", "new"), redo=True) == [CONFLICT]
        assert check.revert((9, "old", "new")) == [CONFLICT]
        check.hold("new", "old")

    def test_a_label_that_is_there_already_is_a_conflict_unless_redone(
        self, check: WriterUnderTest
    ) -> None:
        check.store("new")
        assert check.apply((0, "old", "new")) == [CONFLICT]
        assert check.apply((0, "old", "new"), redo=True) == [WRITTEN]
        check.hold("new")

    def test_a_write_that_arrived_is_redone_without_harm(self, check: WriterUnderTest) -> None:
        check.store("old")
        again = [check.write(0, "old", "new", redo=redo) for redo in (False, True, True)]
        for write in again:
            assert check.results(check.writer.apply([write], None)) == [WRITTEN]
        check.hold("new")

    def test_a_write_that_did_not_arrive_is_redone(self, check: WriterUnderTest) -> None:
        check.store("old", "moved")
        told = check.apply((0, "old", "new"), (1, "old", "new"), redo=True)
        assert told == [WRITTEN, CONFLICT]
        check.hold("new", "moved")

    def test_revert_puts_back_what_still_holds_the_new_label(self, check: WriterUnderTest) -> None:
        check.store("new", "moved", "new")
        writes = (0, "old", "new"), (1, "old", "new"), (2, None, "new")
        assert check.revert(*writes) == [WRITTEN, CONFLICT, WRITTEN]
        check.hold("old", "moved", None)
        assert check.revert(writes[0], redo=True) == [WRITTEN]
        check.hold("old", "moved", None)

    def test_what_was_written_can_be_put_back_and_written_again(
        self, check: WriterUnderTest
    ) -> None:
        check.store("old", None)
        writes = (0, "old", "new"), (1, None, "new")
        for labels in (("new", "new"), ("old", None)) * 2:
            act = check.apply if labels[0] == "new" else check.revert
            assert act(*writes) == [WRITTEN, WRITTEN]
            check.hold(*labels)

    def test_a_key_that_is_written_twice_is_compared_twice(self, check: WriterUnderTest) -> None:
        check.store("old")
        told = check.apply((0, "old", "new"), (0, "old", "moved"), (0, "new", "newer"))
        assert told == [WRITTEN, CONFLICT, WRITTEN]
        check.hold("newer")

    def test_receipts_are_in_the_order_of_their_writes(self, check: WriterUnderTest) -> None:
        count = self.batch
        check.store(*("moved" if number % 7 == 0 else "old" for number in range(count)))
        order = sorted(range(count), key=lambda number: (number * 7919) % count)
        told = check.apply(*((number, "old", "new") for number in order))
        assert told == [CONFLICT if number % 7 == 0 else WRITTEN for number in order]
        check.hold(*("moved" if number % 7 == 0 else "new" for number in range(count)))

    def test_no_writes_have_no_receipts(self, check: WriterUnderTest) -> None:
        check.store("old")
        assert (check.apply(), check.revert()) == ([], [])
        check.hold("old")

    def test_a_check_writes_nothing(self, check: WriterUnderTest) -> None:
        check.store("old")
        check.writer.check()
        check.writer.check(["old", "new"])
        check.hold("old")

    def test_it_may_be_used_from_another_thread_than_the_one_it_was_made_in(
        self, check: WriterUnderTest
    ) -> None:
        check.store("old", "old")

        def work() -> list[WriteResult]:
            check.writer.check(["new"])
            told = check.apply((0, "old", "new"), (1, "old", "new"))
            told += check.revert((1, "old", "new"))
            check.writer.finish()
            check.writer.close()
            return told

        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(work).result() == [WRITTEN] * 3
        assert dict(check.read_labels()) == check.labels("new", "old")

    def test_writes_join_the_transaction_that_they_are_given(
        self, check: WriterUnderTest, begin: Begin | None
    ) -> None:
        begin = given(begin, "begin")
        check.store("old", "new")
        applied, reverted = check.write(0, "old", "new"), check.write(1, "old", "new")
        assert check.writer.database is not None
        for is_kept in (False, True):
            with begin() as connection:
                told = [
                    *check.writer.apply([applied], connection),
                    *check.writer.revert([reverted], connection),
                ]
                assert check.results(told) == [WRITTEN, WRITTEN]
                if not is_kept:
                    connection.rollback()
            check.hold(*(("new", "old") if is_kept else ("old", "new")))
