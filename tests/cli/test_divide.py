"""`kclassify divide`: a pass is cut while it runs."""

from __future__ import annotations

from kclassify.testing import Hang, StubMessagesAPI
from tests.cli.listed_jobs import JOBS, Listed
from tests.cli.place import Place, rows


def test_a_started_pass_is_cut_and_its_parts_are_enqueued(
    any_listed: Listed, stub: StubMessagesAPI
) -> None:
    place = any_listed.place
    place.settle(rows(12), JOBS)
    assert place.run("start").status == 0
    ended = place.run("divide", "--into", "3")
    assert ended.status == 0, ended.err
    assert "Pass 1 of run 'articles' has 3 shards now." in ended.out
    again = place.run("divide", "--into", "2", "--shard", "2", "--json")
    assert again.json == {
        "run": "articles",
        "pass": 1,
        "shards": 4,
        "requested": False,
        "decision": None,
        "exit_status": 0,
    }
    assert place.run("kick").status == 0
    assert {job.shard for job in any_listed.jobs()} >= {2, 3, 4}
    any_listed.work()
    (only,) = place.run("status", "--json").json["passes"]
    assert (only["status"], only["settled"]) == ("done", 12)
    assert sum(shard["settled"] for shard in only["shards"]) == 12
    assert len(stub.requests) == 12


def test_a_pass_that_a_worker_is_at_is_cut_by_its_next_step(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    place = listed.place
    place.settle(rows(12), JOBS)
    stub.set_fault(Hang())
    process = place.start("dry-run")
    try:
        stub.wait_until(lambda state: state.in_flight == 4, timeout_s=60)
        ended = place.run("divide", "--into", "3")
        assert ended.status == 0, ended.err
        assert f"Process {process.pid} on " in ended.out
        assert "works on it: its next step cuts it." in ended.out
        told = place.run("divide", "--into", "3", "--json").json
        assert (told["pass"], told["shards"], told["requested"]) == (1, 1, True)
        assert place.run("status", "--json").json["passes"][0]["shards"] == []
    finally:
        process.kill()
        process.communicate(timeout=60)
    stub.set_fault(None)
    assert place.run("start").status == 0
    listed.work()
    assert len(place.run("status", "--json").json["passes"][0]["shards"]) == 3


def test_what_cannot_be_cut_is_told(place: Place, stub: StubMessagesAPI) -> None:
    del stub
    place.settle(rows(4))
    assert place.run("dry-run").status == 0
    done = place.run("divide", "--into", "2")
    assert done.status == 2
    assert "run 'articles' has no unfinished dry-run: there is nothing to divide" in done.err
    assert place.run("divide", "--into", "1").status == 2
    assert place.run("divide", "--into", "2", "--run", "nobody").status == 2
