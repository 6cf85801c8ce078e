"""A run from its dry run to its rollback, cut another way each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify import Advance, Done, Item, LedgerReader, Outcome, OutcomeKind, SqlLedger, UsageError
from kclassify.core.decision import Pause
from kclassify.core.states import PassStatus
from kclassify.ports import Mode
from kclassify.store.forget import forget_failures
from kclassify.store.rollback import rollback
from tests.shards.world import WHY, World
from tests.tables import database, postgres_database, run, sqlite_database

if TYPE_CHECKING:
    from kclassify import Database
    from kclassify.testing.scripted import Answer

__all__ = ["database", "postgres_database", "sqlite_database"]

ROWS = 20
REFUSED, TOO_LONG = {3, 11, 17}, {4}


def refuses(item: Item) -> Answer:
    if item.key in REFUSED:
        return Outcome(OutcomeKind.REFUSED, detail="made to refuse")
    if item.key in TOO_LONG:
        return Outcome(OutcomeKind.TOO_LONG, detail="made too long")
    return "left"


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.mark.parametrize(("first", "second"), [(4, 3), (1, 4), (4, 1)])
def test_a_commit_recalls_a_dry_run_that_was_cut_another_way(
    world: World, first: int, second: int
) -> None:
    assert world.finish(shards=first) == Done()
    assert world.finish(Mode.COMMIT, shards=second) == Done()
    assert set(world.answered.values()) == {1}
    assert world.labels == ["left"] * ROWS
    assert len(world.report.shards) == (0 if second == 1 else second)
    assert world.report.settled == ROWS
    world.check()


def test_a_commit_that_was_cut_is_put_back(world: World) -> None:
    world.finish(Mode.COMMIT)
    run(world.database, f"UPDATE {world.name} SET current = 'right' WHERE id = 7")
    undone = rollback(SqlLedger(world.database), world.writer, world.name, now=world.clock.now)
    assert (undone.reverted, undone.conflicts) == (ROWS - 1, 1)
    assert [label for label in world.labels if label != "right"] == ["old"] * (ROWS - 1)
    world.check(alone=False)


def test_a_rollback_ends_the_shards_of_a_commit_that_is_under_way(world: World) -> None:
    world.step(Mode.COMMIT, 1)
    world.step(Mode.COMMIT, 3)
    rollback(SqlLedger(world.database), world.writer, world.name, now=world.clock.now)
    assert world.labels == ["old"] * ROWS
    assert {each.status for each in world.report.shards} == {PassStatus.ABANDONED}
    assert world.finish(Mode.COMMIT) == Done()
    assert world.report.number == 2
    assert set(world.answered.values()) == {1}
    world.check()


def test_a_rollback_waits_for_the_worker_of_a_shard(world: World) -> None:
    world.step(Mode.COMMIT, 1)
    opened = world.open(Mode.COMMIT, 2)
    ledger = SqlLedger(world.database, is_alive=world.lives)
    with pytest.raises(UsageError, match=opened.holder):
        rollback(ledger, world.writer, world.name, now=world.clock.now)


def test_failures_of_all_shards_are_told_and_tried_again(world: World) -> None:
    world.answer = refuses
    world.finish()
    reader = LedgerReader(world.database)
    assert {each.key for each in reader.failures(world.name)} == REFUSED | TOO_LONG
    assert world.report.outcomes[OutcomeKind.REFUSED] == len(REFUSED)
    assert forget_failures(world.database, world.name, [OutcomeKind.REFUSED]) == len(REFUSED)
    world.answer = lambda _: "left"
    world.finish(shards=3)
    assert {each.key for each in reader.failures(world.name)} == TOO_LONG
    assert {key for key, count in world.answered.items() if count == 2} == REFUSED
    world.check()


def test_what_failed_behind_the_cursors_of_shards_is_tried_again_in_a_new_pass(
    world: World,
) -> None:
    world.answer = refuses
    for number in (1, 2, 3):
        world.end(number)
    forgotten = forget_failures(
        world.database, world.name, keys=[3], mode=Mode.DRY_RUN, now=world.clock.now
    )
    assert forgotten == 1
    assert {each.status for each in world.report.shards} <= {PassStatus.DONE, PassStatus.ABANDONED}
    world.answer = lambda _: "left"
    assert world.finish() == Done()
    assert (world.report.number, world.report.settled) == (2, ROWS)
    assert {key for key, count in world.answered.items() if count == 2} == {3}
    world.check()


def test_nothing_is_forgotten_while_a_worker_is_at_a_shard(world: World) -> None:
    world.answer = refuses
    world.end(1)
    world.open(shard=2)
    with pytest.raises(UsageError, match="is held by"):
        forget_failures(world.database, world.name, mode=Mode.DRY_RUN, now=world.clock.now)


def test_a_sample_is_drawn_from_the_rows_of_all_shards(world: World) -> None:
    world.answer = refuses
    world.finish()
    judged = LedgerReader(world.database).judged(world.name)
    assert judged.number == 1
    assert sorted(row.key for row in judged) == list(world.keys)


def test_what_the_shards_of_a_commit_wrote_is_told_for_spot_checks(world: World) -> None:
    world.step(Mode.COMMIT, 1)
    world.step(Mode.COMMIT, 4)
    told = SqlLedger(world.database).written(world.name)
    assert {row.key for row in told} == {
        str(key) for key, label in zip(world.keys, world.labels, strict=True) if label == "left"
    }
    assert not any(row.finished for row in told)
    assert world.finish(Mode.COMMIT) == Done()
    told = SqlLedger(world.database).written(world.name)
    assert sorted(int(row.key) for row in told) == list(world.keys)
    assert all(row.finished for row in told)


def test_a_pass_in_one_piece_goes_on_in_one_piece(world: World) -> None:
    assert isinstance(world.step(shards=1), Advance)
    assert world.finish(shards=4) == Done()
    assert (world.report.shards, world.report.settled, world.report.number) == ((), ROWS, 1)
    world.check()


def test_a_divided_pass_goes_on_in_its_shards(world: World) -> None:
    world.step(shards=4)
    assert world.finish(shards=1) == Done()
    assert (len(world.report.shards), world.report.settled) == (4, ROWS)
    world.check()


def test_a_pass_in_work_is_cut_and_its_tallies_are_those_of_all(world: World) -> None:
    world.step(shards=1)
    settled = world.report.settled
    assert 0 < settled < ROWS
    assert world.cut(3)
    assert [each.settled for each in world.report.shards] == [settled, 0, 0]
    assert world.finish() == Done()
    assert world.report.outcomes == {OutcomeKind.JUDGED: ROWS}
    world.check()


def test_fewer_rows_than_shards_are_fewer_shards(database: Database) -> None:
    world = World(database, keys=(1, 2, 3), shards=8)
    assert world.finish() == Done()
    assert [each.settled for each in world.report.shards] == [1, 1, 1]
    world.check()


def test_no_row_is_a_pass_all_the_same(database: Database) -> None:
    world = World(database, keys=(), shards=8)
    assert world.finish() == Done()
    assert world.report.settled == 0


def test_rows_that_come_and_go_are_met_by_the_shard_whose_bounds_hold_them(world: World) -> None:
    world.step(shard=2)
    until = world.shard(1).until
    run(world.database, f"DELETE FROM {world.name} WHERE id = {until}")
    world.add([101, 102])
    assert world.finish() == Done()
    assert world.report.settled == ROWS + 1
    assert world.shard(4).settled == ROWS // 4 + 2
    world.check(alone=False)


def test_a_shard_that_is_done_says_so_to_a_job_that_comes_again(world: World) -> None:
    decision = world.end(1)
    assert decision == Advance(5, Pause.SHARD)
    assert world.step(shard=1) == decision
    with pytest.raises(UsageError, match="has no shard 9"):
        world.step(shard=9)


def test_an_outage_that_one_shard_meets_keeps_all_from_asking(world: World) -> None:
    world.step(shard=1)
    world.down = True
    snooze = world.end(2)
    asked = len(world.classifier.asked)
    later = world.step(shard=3)
    assert type(snooze) is type(later)
    assert len(world.classifier.asked) == asked
    world.down = False
    world.clock.advance(1000)
    assert world.finish() == Done()
    world.check()


def test_why_a_commit_may_write_is_kept_once_for_all_shards(world: World) -> None:
    for number in (1, 2, 3, 4):
        world.end(number, Mode.COMMIT)
    assert (world.report.status, world.report.override) == (PassStatus.DONE, WHY)
    world.check()
