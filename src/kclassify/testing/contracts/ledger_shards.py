"""A divided pass: each shard has a cursor, a fence and a lease of its own."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Advance, Done, Halt, Pause, Superseded
from kclassify.errors import UsageError
from kclassify.ports import Ledger, Mode, Pass, Recorded
from kclassify.testing.contracts.ledger_leases import enqueue, fail
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    LedgerMaterial,
    change,
    checkpoint_of,
    divided,
    open_pass,
    request_of,
    same,
    save,
    shard_of,
    three_workers,
)
from kclassify.testing.memory_writer import MemoryWriter

LATER = NOW + LEASE_S
DRY = Mode.DRY_RUN


class LedgerShards(LedgerMaterial):
    """What `open` finds of a divided pass, and who may go on with it."""

    def test_the_first_part_stays_with_the_worker_that_divided(self, ledger: Ledger) -> None:
        first = divided(ledger)
        assert shard_of(first) == (1, None, 2)
        assert (first.number, first.holder, first.cursor, first.settled) == (1, "one", None, 0)
        assert (first.resumed, first.start) == (True, None)
        assert ledger.heartbeat(first, NOW, LEASE_S)
        assert save(ledger, first, [same(1)]).opened.cursor == 1

    def test_who_divided_is_fenced_off_the_whole(self, ledger: Ledger) -> None:
        whole = open_pass(ledger, DRY)
        divided(ledger, opened=whole)
        assert not ledger.heartbeat(whole, NOW, LEASE_S)
        assert isinstance(
            ledger.checkpoint(whole, FINGERPRINT, checkpoint_of([same(1)]), None, NOW), Superseded
        )
        ledger.close_step(whole, Done(), NOW)
        assert open_pass(ledger, DRY, holder="two").number == 1

    def test_each_worker_gets_the_first_shard_that_is_free(self, ledger: Ledger) -> None:
        _, second, third = three_workers(ledger)
        assert (shard_of(second), shard_of(third)) == ((2, 2, 4), (3, 4, None))
        assert (second.start, third.start) == (2, 4)
        assert second.id == third.id
        assert ledger.open(request_of(DRY), "four", NOW, LEASE_S) == Superseded("one")

    def test_a_shard_is_asked_for_by_its_number(self, ledger: Ledger) -> None:
        divided(ledger)
        assert shard_of(open_pass(ledger, DRY, holder="two", shard=3)) == (3, 4, None)
        assert shard_of(open_pass(ledger, DRY, holder="three")) == (2, 2, 4)

    def test_a_held_shard_supersedes_though_others_are_free(self, ledger: Ledger) -> None:
        divided(ledger)
        answer = ledger.open(request_of(DRY, shard=1), "two", LATER - 1, LEASE_S)
        assert answer == Superseded("one")

    def test_a_shard_that_is_not_there_is_an_error_that_says_which_are(
        self, ledger: Ledger
    ) -> None:
        divided(ledger)
        with pytest.raises(UsageError, match="run 'r' has no shard 4: it has 1 to 3"):
            ledger.open(request_of(DRY, shard=4), "two", NOW, LEASE_S)

    def test_a_shard_that_is_done_asks_for_nothing_more(self, ledger: Ledger) -> None:
        first = save(ledger, divided(ledger), [same(1), same(2)]).opened
        assert not ledger.end_shard(first, NOW)
        answer = ledger.open(request_of(DRY, shard=1), "two", NOW, LEASE_S)
        assert answer == Advance(2, Pause.SHARD)
        assert shard_of(open_pass(ledger, DRY, holder="two"))[0] == 2

    def test_an_expired_lease_of_a_shard_is_taken(self, ledger: Ledger) -> None:
        first = save(ledger, divided(ledger), [same(1)]).opened
        second = open_pass(ledger, DRY, holder="two", now=NOW + 1)
        taken = open_pass(ledger, DRY, holder="three", now=LATER)
        assert (shard_of(taken)[0], taken.cursor, taken.settled) == (1, 1, 1)
        assert taken.version > first.version
        assert ledger.heartbeat(second, LATER, LEASE_S)
        assert not ledger.heartbeat(first, LATER, LEASE_S)

    def test_an_opening_fences_off_the_former_worker_of_that_shard_alone(
        self, ledger: Ledger
    ) -> None:
        first, second, third = three_workers(ledger)
        open_pass(ledger, DRY, holder="four", now=LATER, shard=2)
        checkpoint = checkpoint_of([same(3)])
        answer = ledger.checkpoint(second, FINGERPRINT, checkpoint, None, LATER)
        assert answer == Superseded("four")
        assert ledger.recall([same(3).item_digest], FINGERPRINT) == {}
        assert save(ledger, first, [same(1)]).opened.settled == 1
        assert save(ledger, third, [same(5)]).opened.settled == 1

    def test_the_same_holder_opens_its_shard_again_and_fences_its_former_self(
        self, ledger: Ledger
    ) -> None:
        former = divided(ledger)
        again = open_pass(ledger, DRY)
        assert shard_of(again)[0] == 1
        assert not ledger.heartbeat(former, NOW, LEASE_S)
        ledger.close_step(former, Done(), NOW)
        assert ledger.heartbeat(again, NOW, LEASE_S)

    @pytest.mark.parametrize("held", [None, "the shard"])
    def test_a_worker_of_the_other_mode_is_a_rival(self, ledger: Ledger, held: str | None) -> None:
        first = divided(ledger)
        if held is None:
            ledger.close_step(first, Advance(None), NOW)
            open_pass(ledger, Mode.COMMIT, holder="two")
            assert ledger.open(request_of(DRY), "three", NOW, LEASE_S) == Superseded("two")
        else:
            answer = ledger.open(request_of(Mode.COMMIT), "two", NOW, LEASE_S)
            assert answer == Superseded("one")

    def test_two_divided_passes_are_rivals_too(self, ledger: Ledger) -> None:
        ledger.close_step(divided(ledger), Advance(None), NOW)
        commit = divided(ledger, Mode.COMMIT)
        assert ledger.open(request_of(DRY), "two", NOW, LEASE_S) == Superseded("one")
        ledger.close_step(commit, Advance(None), NOW)
        assert shard_of(open_pass(ledger, DRY, holder="two"))[0] == 1

    @pytest.mark.parametrize("divides", [False, True])
    def test_a_shard_opened_in_one_mode_fences_off_every_late_worker_of_the_other(
        self, ledger: Ledger, *, divides: bool
    ) -> None:
        ledger.close_step(divided(ledger), Advance(None), NOW)
        commit = open_pass(ledger, holder="two")
        commit = divided(ledger, opened=commit) if divides else commit
        open_pass(ledger, DRY, holder="three", now=LATER)
        writer = MemoryWriter({1: "convention"})
        checkpoint = checkpoint_of([change(1)])
        answer = ledger.checkpoint(commit, FINGERPRINT, checkpoint, writer, LATER)
        assert isinstance(answer, Superseded)
        assert writer.tried == []

    def test_the_other_mode_fences_off_every_late_worker_of_a_shard(self, ledger: Ledger) -> None:
        workers = three_workers(ledger)
        open_pass(ledger, Mode.COMMIT, holder="four", now=LATER)
        for each, key in zip(workers, (1, 3, 5), strict=True):
            checkpoint = checkpoint_of([same(key)])
            answer = ledger.checkpoint(each, FINGERPRINT, checkpoint, None, LATER)
            assert isinstance(answer, Superseded)
            assert not ledger.heartbeat(each, LATER, LEASE_S)

    def test_checkpoints_of_shards_do_not_disturb_each_other(self, ledger: Ledger) -> None:
        workers = three_workers(ledger)
        suspects = tuple((Suspect(key, 1, undecided=True),) for key in (2, 4, 6))
        for each, key, mine in zip(workers, (1, 3, 5), suspects, strict=True):
            checkpoint = checkpoint_of([same(key)], None, None, mine)
            assert isinstance(ledger.checkpoint(each, FINGERPRINT, checkpoint, None, NOW), Recorded)
        for number, key in enumerate((1, 3, 5)):
            again = open_pass(ledger, DRY, now=LATER, shard=number + 1)
            assert (again.cursor, again.settled, again.elsewhere) == (key, 1, 2)
            assert again.suspects == suspects[number]
        assert set(ledger.evaluated("r", 1, [1, 3, 5])) == {1, 3, 5}

    def test_suspects_of_a_shard_are_forgotten_by_itself_alone(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        suspect = (Suspect(2, 1, undecided=True),)
        first = hold(ledger, first, Breaker(), suspect)
        hold(ledger, hold(ledger, second, Breaker(), (Suspect(4, 1, undecided=True),)), Breaker())
        assert open_pass(ledger, DRY, now=LATER, shard=1).suspects == suspect
        assert open_pass(ledger, DRY, now=LATER, shard=2).suspects == ()

    def test_workers_of_shards_share_the_breaker(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        tripped = Breaker().tripped(NOW, 60)
        hold(ledger, first, tripped)
        assert ledger.breaker("r") == tripped
        assert hold(ledger, second, Breaker()).breaker == tripped
        assert open_pass(ledger, DRY, now=LATER, shard=3).breaker == tripped

    def test_what_all_shards_settled_is_one_pass(self, ledger: Ledger) -> None:
        for each, keys in zip(three_workers(ledger), ((1, 2), (3,), (5, 6)), strict=True):
            last = save(ledger, each, [same(key) for key in keys]).opened
            if ledger.end_shard(last, NOW) is True:
                ledger.close_step(last, Done(), NOW)
        assert ledger.dry_run_rows("r", 1) == 5
        assert open_pass(ledger, DRY).number == 2

    def test_whoever_on_commit_wakes_finds_that_shard_free_and_no_other(
        self, ledger: Ledger
    ) -> None:
        first, second, _ = three_workers(ledger)
        saved = save(ledger, first, [same(1)], None, enqueue).opened
        assert not ledger.heartbeat(saved, NOW, LEASE_S)
        assert ledger.heartbeat(second, NOW, LEASE_S)
        woken = open_pass(ledger, DRY, holder="four")
        assert (shard_of(woken)[0], woken.cursor) == (1, 1)
        ledger.close_step(saved, Halt("late"), NOW)
        assert ledger.heartbeat(woken, NOW, LEASE_S)

    def test_an_error_in_on_commit_keeps_the_lease_of_the_shard(self, ledger: Ledger) -> None:
        first = divided(ledger)
        with pytest.raises(ZeroDivisionError):
            save(ledger, first, [same(1)], None, fail)
        answer = ledger.open(request_of(DRY, shard=1), "two", NOW, LEASE_S)
        assert answer == Superseded("one")
        assert save(ledger, first, [same(1)]).opened.settled == 1

    def test_closing_a_step_lets_its_shard_go_and_no_other(self, ledger: Ledger) -> None:
        _, second, _ = three_workers(ledger)
        ledger.close_step(second, Advance(None), NOW)
        assert shard_of(open_pass(ledger, DRY, holder="four"))[0] == 2
        assert ledger.open(request_of(DRY), "five", NOW, LEASE_S) == Superseded("one")

    def test_a_halted_shard_is_gone_on_with(self, ledger: Ledger) -> None:
        first, _, _ = three_workers(ledger)
        ledger.close_step(save(ledger, first, [same(1)]).opened, Halt("no key"), NOW)
        again = open_pass(ledger, DRY, holder="four")
        assert (shard_of(again)[0], again.cursor) == (1, 1)
        assert save(ledger, again, [same(2)]).opened.settled == 2

    def test_writes_of_two_shards_are_one_audit(self, ledger: Ledger) -> None:
        writer = MemoryWriter({1: "convention", 3: "convention"})
        first = divided(ledger, Mode.COMMIT)
        second = open_pass(ledger, holder="two")
        save(ledger, second, [change(3)], writer)
        save(ledger, first, [change(1)], writer)
        assert {row.key for row in ledger.written("r")} == {"1", "3"}
        assert writer.labels == {1: "playbook", 3: "playbook"}


def hold(
    ledger: Ledger, opened: Pass, breaker: Breaker, suspects: tuple[Suspect, ...] = ()
) -> Pass:
    """The shard after a checkpoint of no item, by a worker that holds this of an outage."""
    checkpoint = replace(checkpoint_of([], opened.cursor, breaker), suspects=suspects)
    recorded = ledger.checkpoint(opened, FINGERPRINT, checkpoint, None, NOW)
    assert isinstance(recorded, Recorded), recorded
    return recorded.opened
