"""A pass is cut into shards, a shard again; shards end one by one, and share calls."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

import pytest

from kclassify.core.availability import Suspect
from kclassify.core.decision import Advance, Done, Halt, Pause, Superseded
from kclassify.core.division import Division
from kclassify.errors import UsageError
from kclassify.ports import Ledger, Mode, Pass, Recorded
from kclassify.testing.contracts.ledger_intents import MortalWriter, die
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    LEASE_S,
    NOW,
    LedgerMaterial,
    checkpoint_of,
    divided,
    open_pass,
    request_of,
    same,
    save,
    shard_of,
    three_workers,
)

LATER = NOW + LEASE_S
DRY = Mode.DRY_RUN
AT_THREE = Division((3,), (1, 1))


class LedgerCuts(LedgerMaterial):
    """What `divide`, `want_parts`, `end_shard` and `share` do."""

    def test_a_pass_in_work_is_cut_and_its_cursor_goes_to_the_first_part(
        self, ledger: Ledger
    ) -> None:
        whole = save(ledger, open_pass(ledger, DRY), [same(1), same(2)]).opened
        first = divided(ledger, opened=whole, division=Division((4,), (2, 2)))
        assert (shard_of(first), first.cursor, first.settled) == ((1, None, 4), 2, 2)
        second = open_pass(ledger, DRY, holder="two")
        assert (shard_of(second), second.cursor, second.settled) == ((2, 4, None), None, 0)
        assert second.elsewhere == 2
        again = open_pass(ledger, DRY, now=LATER, shard=1)
        assert (shard_of(again), again.cursor, again.settled) == ((1, None, 4), 2, 2)
        assert save(ledger, again, [same(3)]).opened.settled == 3

    def test_a_shard_in_work_is_cut_again(self, ledger: Ledger) -> None:
        first, second, third = three_workers(ledger)
        third = save(ledger, third, [same(5)]).opened
        shorter = cut(ledger, third, Division((7,), (2, 1)))
        assert (shard_of(shorter), shorter.cursor, shorter.settled) == ((3, 4, 7), 5, 1)
        fourth = open_pass(ledger, DRY, holder="four")
        assert (shard_of(fourth), fourth.cursor, fourth.settled) == ((4, 7, None), None, 0)
        for each, key in ((first, 1), (second, 3), (shorter, 6), (fourth, 8)):
            save(ledger, each, [same(key)])
            assert ledger.heartbeat(each, NOW, LEASE_S)
        again = open_pass(ledger, DRY, holder="five", now=LATER, shard=3)
        assert (shard_of(again), again.settled, again.elsewhere) == ((3, 4, 7), 2, 3)

    def test_the_last_shard_is_cut_without_an_end(self, ledger: Ledger) -> None:
        _, _, third = three_workers(ledger)
        assert shard_of(cut(ledger, third, Division((6, 8), (2, 2, 2)))) == (3, 4, 6)
        assert shard_of(open_pass(ledger, DRY, holder="four")) == (4, 6, 8)
        assert shard_of(open_pass(ledger, DRY, holder="five")) == (5, 8, None)

    @pytest.mark.parametrize("is_whole", [True, False])
    def test_who_lost_the_race_cuts_nothing(self, ledger: Ledger, *, is_whole: bool) -> None:
        loser = open_pass(ledger, DRY) if is_whole else divided(ledger)
        winner = open_pass(ledger, DRY, holder="two", now=LATER)
        assert ledger.divide(loser, AT_THREE, LATER, LEASE_S) == Superseded("two")
        assert save(ledger, winner, [same(1)]).opened.settled == 1
        assert open_pass(ledger, DRY, now=LATER + LEASE_S).shard == winner.shard

    def test_of_two_cuts_one_counts(self, ledger: Ledger) -> None:
        first = divided(ledger)
        assert isinstance(ledger.divide(first, Division((1,), (1, 1)), NOW, LEASE_S), Pass)
        answer = ledger.divide(first, Division((1,), (1, 1)), NOW, LEASE_S)
        assert isinstance(answer, Superseded)
        numbers = [shard_of(open_pass(ledger, DRY, holder=str(n)))[0] for n in range(3)]
        assert numbers == [2, 3, 4]

    def test_a_cut_without_a_bound_leaves_it_in_one_piece(self, ledger: Ledger) -> None:
        whole = open_pass(ledger, DRY)
        same_pass = ledger.divide(whole, Division((), (1,)), NOW, LEASE_S)
        assert isinstance(same_pass, Pass)
        assert same_pass.shard is None
        assert save(ledger, same_pass, [same(1)]).opened.settled == 1
        assert ledger.heartbeat(same_pass, NOW, LEASE_S)

    @pytest.mark.parametrize("is_whole", [True, False])
    def test_suspects_are_forgotten_in_a_cut(self, ledger: Ledger, *, is_whole: bool) -> None:
        opened = open_pass(ledger, DRY) if is_whole else divided(ledger)
        checkpoint = checkpoint_of([], None, None, (Suspect(2, 1, undecided=True),))
        recorded = ledger.checkpoint(opened, FINGERPRINT, checkpoint, None, NOW)
        assert isinstance(recorded, Recorded)
        assert cut(ledger, recorded.opened, Division((1,), (1, 1))).suspects == ()
        numbers = (1, 2) if is_whole else (1, 4)
        for number in numbers:
            assert open_pass(ledger, DRY, now=LATER, shard=number).suspects == ()

    def test_a_wanted_cut_is_told_until_it_is_made(self, ledger: Ledger) -> None:
        first, _, _ = three_workers(ledger)
        assert ledger.want_parts("r", DRY, 1, 2) == 1
        again = open_pass(ledger, DRY, now=LATER)
        assert (shard_of(again)[0], again.wanted_parts) == (1, 2)
        assert open_pass(ledger, DRY, now=LATER, shard=2).wanted_parts == 1
        assert cut(ledger, again, Division((1,), (1, 1))).wanted_parts == 1
        assert open_pass(ledger, DRY, now=LATER).wanted_parts == 1
        assert isinstance(ledger.divide(first, AT_THREE, LATER, LEASE_S), Superseded)

    def test_a_whole_pass_may_be_wanted_in_parts(self, ledger: Ledger) -> None:
        ledger.close_step(open_pass(ledger, DRY), Advance(None), NOW)
        assert ledger.want_parts("r", DRY, None, 3) == 1
        again = open_pass(ledger, DRY)
        assert again.wanted_parts == 3
        assert cut(ledger, again, Division((), (2,))).wanted_parts == 1
        assert open_pass(ledger, DRY).wanted_parts == 1

    def test_a_cut_that_cannot_be_is_an_error(self, ledger: Ledger) -> None:
        with pytest.raises(UsageError, match="no run named 'r'"):
            ledger.want_parts("r", DRY, None, 2)
        whole = open_pass(ledger, DRY)
        with pytest.raises(UsageError, match="no unfinished commit"):
            ledger.want_parts("r", Mode.COMMIT, None, 2)
        with pytest.raises(UsageError, match="has no shards"):
            ledger.want_parts("r", DRY, 1, 2)
        first = divided(ledger, opened=whole)
        with pytest.raises(UsageError, match="say which shard"):
            ledger.want_parts("r", DRY, None, 2)
        assert not ledger.end_shard(first, NOW)
        for number in (1, 4):
            with pytest.raises(UsageError, match=f"no unfinished shard {number}"):
                ledger.want_parts("r", DRY, number, 2)

    def test_the_last_shard_is_the_end_of_the_pass(self, ledger: Ledger) -> None:
        *others, last = three_workers(ledger)
        for each in others:
            assert not ledger.end_shard(each, NOW)
            assert not ledger.heartbeat(each, NOW, LEASE_S)
            ledger.close_step(each, Advance(None, Pause.SHARD), NOW)
        assert ledger.end_shard(last, NOW)
        assert ledger.heartbeat(last, NOW, LEASE_S)
        assert ledger.dry_run_rows("r", 1) is None
        ledger.close_step(last, Done(), NOW)
        assert ledger.dry_run_rows("r", 1) == 0
        again = open_pass(ledger, DRY, holder="two")
        assert (again.number, again.shard) == (2, None)

    def test_a_death_before_the_end_of_the_pass_is_made_up_for(self, ledger: Ledger) -> None:
        *others, last = three_workers(ledger)
        for each in others:
            ledger.end_shard(each, NOW)
        last = save(ledger, last, [same(5)]).opened
        assert ledger.end_shard(last, NOW)
        again = open_pass(ledger, DRY, holder="four", now=LATER)
        assert (shard_of(again)[0], again.cursor, again.settled) == (3, 5, 1)
        ledger.close_step(last, Done(), LATER)
        assert ledger.end_shard(again, LATER)
        ledger.close_step(again, Done(), LATER)
        assert open_pass(ledger, DRY).number == 2

    def test_who_lost_a_shard_does_not_end_it(self, ledger: Ledger) -> None:
        first, _, _ = three_workers(ledger)
        again = open_pass(ledger, DRY, holder="four", now=LATER, shard=1)
        assert ledger.end_shard(first, LATER) == Superseded("four")
        assert ledger.heartbeat(again, LATER, LEASE_S)
        assert save(ledger, again, [same(1)]).opened.settled == 1

    def test_a_halted_shard_is_not_done(self, ledger: Ledger) -> None:
        first, second, third = three_workers(ledger)
        ledger.close_step(first, Halt("no key"), NOW)
        assert not ledger.end_shard(second, NOW)
        assert not ledger.end_shard(third, NOW)
        again = open_pass(ledger, DRY, holder="four")
        assert shard_of(again)[0] == 1
        assert ledger.end_shard(again, NOW)

    def test_a_pass_in_one_piece_is_the_last_of_itself(self, ledger: Ledger) -> None:
        whole = open_pass(ledger, DRY)
        assert ledger.end_shard(whole, NOW)
        assert ledger.heartbeat(whole, NOW, LEASE_S)

    @pytest.mark.parametrize(
        ("fingerprint", "source"), [("e" * 64, "articles"), (FINGERPRINT, "other")]
    )
    def test_another_classifier_or_source_abandons_the_shards_too(
        self, ledger: Ledger, fingerprint: str, source: str
    ) -> None:
        workers = three_workers(ledger)
        request = request_of(DRY, fingerprint=fingerprint, source=source)
        assert ledger.open(request, "four", NOW, LEASE_S) == Superseded("one")
        anew = open_pass(
            ledger, DRY, holder="four", now=LATER, fingerprint=fingerprint, source=source
        )
        assert (anew.number, anew.shard, anew.settled) == (2, None, 0)
        for each in workers:
            checkpoint = checkpoint_of([same(1)])
            answer = ledger.checkpoint(each, FINGERPRINT, checkpoint, None, LATER)
            assert isinstance(answer, Superseded)
            assert not ledger.heartbeat(each, LATER, LEASE_S)
            ledger.close_step(each, Done(), LATER)
        assert ledger.dry_run_rows("r", 1) is None
        assert ledger.heartbeat(anew, LATER, LEASE_S)

    @pytest.mark.parametrize("parts", [1, 3])
    def test_a_late_request_for_a_pass_begins_no_other(self, ledger: Ledger, parts: int) -> None:
        opened = open_pass(ledger, DRY)
        opened = divided(ledger, opened=opened) if parts > 1 else opened
        ledger.close_step(opened, Advance(None), NOW)
        assert open_pass(ledger, DRY, number=1).number == 1
        other = request_of(DRY, number=1, fingerprint="e" * 64)
        assert isinstance(ledger.open(other, "one", LATER, LEASE_S), Halt)
        assert isinstance(ledger.open(request_of(DRY, number=2), "one", LATER, LEASE_S), Superseded)
        anew = open_pass(ledger, DRY, now=LATER, fingerprint="e" * 64)
        answer = ledger.open(request_of(DRY, number=1), "one", LATER, LEASE_S)
        assert isinstance(answer, Superseded)
        ledger.close_step(anew, Done(), LATER)
        request = request_of(DRY, number=2, fingerprint="e" * 64)
        assert ledger.open(request, "one", LATER, LEASE_S) == Done()

    def test_workers_share_their_calls(self, ledger: Ledger) -> None:
        first, second, third = three_workers(ledger)
        assert ledger.share(first, 8, 0, NOW, LEASE_S).limit == 8
        assert ledger.share(second, 8, 0, NOW, LEASE_S).limit == 0
        assert ledger.share(first, 8, 8, NOW, LEASE_S).granted == 8
        assert ledger.share(first, 8, 3, NOW, LEASE_S).granted == 4
        assert ledger.share(second, 8, 0, NOW, LEASE_S).limit == 4
        assert ledger.share(third, 8, 0, NOW, LEASE_S).limit == 0
        ledger.close_step(first, Halt("no key"), NOW)
        assert ledger.share(third, 8, 0, NOW, LEASE_S).limit == 4

    @pytest.mark.parametrize("ends", [True, False])
    def test_what_a_worker_had_is_free_once_it_ends_or_its_lease_does(
        self, ledger: Ledger, *, ends: bool
    ) -> None:
        first, second, _ = three_workers(ledger)
        assert ledger.share(first, 8, 0, NOW, LEASE_S).granted == 8
        if ends:
            ledger.end_shard(first, NOW)
        else:
            assert ledger.share(second, 8, 0, LATER - 1, LEASE_S).limit == 0
        assert ledger.share(second, 8, 0, NOW if ends else LATER, LEASE_S).limit == 8

    def test_a_worker_that_lost_its_shard_is_granted_nothing(self, ledger: Ledger) -> None:
        first, second, _ = three_workers(ledger)
        open_pass(ledger, DRY, holder="four", now=LATER, shard=1)
        ledger.share(first, 8, 0, LATER, LEASE_S)
        assert ledger.share(second, 8, 0, LATER, LEASE_S).limit == 8

    def test_a_pass_in_one_piece_has_all_calls(self, ledger: Ledger) -> None:
        share = ledger.share(open_pass(ledger, DRY), 8, 3, NOW, LEASE_S)
        assert (share.limit, share.granted) == (8, 8)

    def test_writes_on_their_way_are_tried_again_by_their_own_shard(self, ledger: Ledger) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer, divided(ledger, Mode.COMMIT))
        other = open_pass(ledger, holder="two", now=LATER, shard=2)
        assert ledger.settle_intents(other, writer, LATER) == 0
        assert writer.labels == {1: "convention", 2: "convention"}
        own = open_pass(ledger, holder="three", now=LATER, shard=1)
        assert ledger.settle_intents(own, writer, LATER) == 2
        assert writer.written == {1: 1, 2: 1}

    def test_writes_on_their_way_before_a_cut_are_tried_again_by_the_first_part(
        self, ledger: Ledger
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer)
        first = divided(ledger, opened=open_pass(ledger, holder="two", now=LATER), now=LATER)
        second = open_pass(ledger, holder="three", now=LATER)
        assert ledger.settle_intents(second, writer, LATER) == 0
        assert ledger.settle_intents(first, writer, LATER) == 2
        assert writer.written == {1: 1, 2: 1}

    def test_writes_on_their_way_of_an_abandoned_shard_are_tried_again_by_the_next_pass(
        self, ledger: Ledger
    ) -> None:
        writer = MortalWriter({1: "convention", 2: "convention"}, after=False)
        die(ledger, writer, divided(ledger, Mode.COMMIT))
        anew = open_pass(ledger, holder="two", now=LATER, fingerprint="e" * 64)
        assert ledger.settle_intents(divided(ledger, opened=anew, now=LATER), writer, LATER) == 2


def cut(ledger: Ledger, opened: Pass, division: Division) -> Pass:
    """What stays with the worker; an assertion fails when it lost the race."""
    answer = ledger.divide(opened, division, NOW, LEASE_S)
    assert isinstance(answer, Pass), answer
    return answer
