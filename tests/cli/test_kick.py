"""`kclassify kick`: what a cron calls."""

from __future__ import annotations

from dataclasses import replace

from kclassify.testing import StubMessagesAPI
from tests.cli.listed_jobs import JOBS, Listed
from tests.cli.place import rows

AT_ONCE = JOBS + "fresh_s = 0\n"


def test_a_job_that_got_lost_is_enqueued_again(any_listed: Listed, stub: StubMessagesAPI) -> None:
    place = any_listed.place
    place.settle(rows(6), AT_ONCE)
    assert place.run("start", "--shards", "2").status == 0
    lost = any_listed.take()
    ended = place.run("kick")
    assert ended.status == 0
    assert ended.out.startswith("2 jobs are enqueued on listed: articles dry-run 1 shard 1, ")
    assert any_listed.jobs() == [replace(job, ticket=2) for job in lost]
    any_listed.work()
    assert len(stub.requests) == 6


def test_it_is_silent_where_there_is_nothing_to_do(listed: Listed, stub: StubMessagesAPI) -> None:
    del stub
    listed.place.settle(rows(2), AT_ONCE)
    never = listed.place.run("kick")
    assert (never.status, never.out, never.err) == (0, "", "")
    assert listed.place.run("start").status == 0
    listed.work()
    done = listed.place.run("kick")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert listed.place.run("kick", "--json").json == {"system": "listed", "jobs": []}


def test_a_run_that_is_not_there_is_told(any_listed: Listed, stub: StubMessagesAPI) -> None:
    del stub
    place = any_listed.place
    place.settle(rows(2), AT_ONCE)
    none = place.run("kick", "--run", "typo")
    assert (none.status, "has no run named 'typo': there is none yet" in none.err) == (2, True)
    assert place.run("start").status == 0
    typo = place.run("kick", "--run", "typo")
    assert (typo.status, typo.out) == (2, "")
    assert "has no run named 'typo': there is articles" in typo.err
    assert place.run("kick", "--run", "articles").status == 0


def test_what_gave_a_sign_of_life_is_left_alone_for_fresh_s(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    listed.place.settle(rows(2), JOBS)
    assert listed.place.run("start").status == 0
    listed.take()
    assert listed.place.run("kick", "--json").json["jobs"] == []


def test_it_is_about_all_runs_unless_one_is_named(listed: Listed, stub: StubMessagesAPI) -> None:
    del stub
    listed.place.settle(rows(2), AT_ONCE)
    for run in ("one", "two"):
        assert listed.place.run("start", "--run", run).status == 0
    listed.take()
    listed.place.run("kick", "--run", "two")
    assert [job.run for job in listed.take()] == ["two"]
    listed.place.run("kick")
    assert [job.run for job in listed.take()] == ["one", "two"]
