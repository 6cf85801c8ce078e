"""`kclassify start`: a pass is begun for a job system, and its jobs are enqueued."""

from __future__ import annotations

import json

import pytest

from kclassify.core.follow_up import Stop
from kclassify.testing import Hang, StubMessagesAPI
from tests.cli.listed_jobs import JOBS, Listed
from tests.cli.place import TAXONOMY, Place, rows
from tests.cli.tenants import settle_tenants

REFUSING = """
from kclassify.errors import EnqueueError


class Unreachable:
    name = "listed"

    def enqueue(self, job, after_s=0):
        raise EnqueueError("amqp://127.0.0.1:1 does not answer")


jobs = Unreachable()
"""
MISSING = "from kclassify.errors import MissingExtra\nraise MissingExtra('pip install x[y]')\n"


def test_a_dry_run_is_begun_enqueued_and_worked_on(
    any_listed: Listed, stub: StubMessagesAPI
) -> None:
    place = any_listed.place
    place.settle(rows(12), JOBS + "budget_s = 7\n")
    ended = place.run("start", "--shards", "3", "--model", "anthropic/claude-made-up")
    assert ended.status == 0, ended.err
    assert "3 jobs are enqueued on listed: articles dry-run 1 shard 1, articles" in ended.out
    assert "See `kclassify status --run articles`." in ended.out
    jobs = any_listed.jobs()
    assert [(job.number, job.shard, job.budget_s) for job in jobs] == [
        (1, 1, 7.0), (1, 2, 7.0), (1, 3, 7.0),
    ]  # fmt: skip
    assert {job.config for job in jobs} == {str(place.folder / "kclassify.toml")}
    assert {job.model for job in jobs} == {"anthropic/claude-made-up"}
    taken = any_listed.work()
    assert [type(following) for _, following in taken] == [Stop, Stop, Stop]
    assert place.run("status", "--json").json["passes"][0]["status"] == "done"
    assert len(stub.requests) == 12


def test_a_commit_carries_its_override_and_writes(listed: Listed, stub: StubMessagesAPI) -> None:
    del stub
    listed.place.settle(rows(4), JOBS)
    ended = listed.place.run("start", "--commit", "--override", "both were read", "--json")
    assert ended.json == {
        "run": "articles",
        "system": "listed",
        "jobs": [
            {
                "name": "articles commit 1",
                "run": "articles",
                "mode": "commit",
                "pass": 1,
                "shard": None,
                "tenant": None,
            }
        ],
        "decision": None,
        "abandoned": None,
        "kept": None,
        "exit_status": 0,
    }
    listed.work()
    assert set(listed.place.labels().values()) == {"playbook", "pattern"}


def test_started_twice_nothing_is_enqueued_twice(listed: Listed, stub: StubMessagesAPI) -> None:
    listed.place.settle(rows(4), JOBS)
    assert listed.place.run("start").status == 0
    again = listed.place.run("start")
    assert again.status == 0
    assert "Nothing to enqueue: the jobs of run 'articles' are under way." in again.out
    assert len(listed.jobs()) == 1
    listed.work()
    assert len(stub.requests) == 4


def test_the_gate_is_asked_before_anything_is_enqueued(listed: Listed) -> None:
    listed.place.settle(rows(4), JOBS)
    ended = listed.place.run("start", "--commit")
    assert ended.status == 2
    assert "commit writes only after an evaluation passed" in ended.err
    assert listed.jobs() == []
    assert listed.place.run("status").status == 2  # there is no run


def test_an_override_without_commit_starts_nothing(listed: Listed) -> None:
    listed.place.settle(rows(4), JOBS)
    for more in ((), ("--every-tenant",)):
        ended = listed.place.run("start", "--override", "read", *more)
        assert (ended.status, ended.out) == (2, "")
        assert "--override is for --commit" in ended.err
    assert listed.jobs() == []
    assert listed.place.run("status").status == 2  # there is no run


def test_a_file_is_started_in_one_piece_and_refuses_shards(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    listed.place.settle(rows(1), "")
    lines = [{"id": n, "body": body, "category": None} for n, body, _ in rows(3)]
    listed.place.write("articles.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    source = '[source]\npath = "articles.jsonl"\ncurrent = "category"\n'
    listed.place.write("kclassify.toml", source + JOBS)
    assert listed.place.run("start", "--shards", "2").status == 2
    assert listed.place.run("start").status == 0
    assert [type(following) for _, following in listed.work()] == [Stop]


@pytest.mark.parametrize(
    ("app", "on", "told"),
    [
        (None, None, "name the object of your worker's module in [jobs] app or with --app"),
        ("worker", None, "'worker' is no place of a job system: module:attribute is expected"),
        ("worker_of_nobody:jobs", None, "there is no module 'worker_of_nobody' in "),
        ("worker:queue", None, "worker has no 'queue'; its job systems are jobs"),
        ("worker:Path", None, "worker:Path is a type and no job system"),
        ("worker:jobs", "oban", "worker:jobs is listed, and oban was asked for"),
        ("worker_missing:jobs", None, "pip install x[y]"),
        ("worker_needs:jobs", None, "worker_needs needs 'not_installed_anywhere', which is not"),
        (None, "arq", "arq is a recipe, and no module of kclassify: docs/arq.md"),
        ("worker_arq:jobs", None, "there is no module 'kclassify.adapters.arq'; arq is a recipe"),
        ("kclassify.adapters.dramatiq:jobs", None, "dramatiq is a recipe, and no module of"),
        ("worker_broken:jobs", None, "worker_broken cannot be imported, it raises ValueError"),
    ],
)
def test_an_application_that_cannot_be_used_is_told_in_one_line(
    listed: Listed, app: str | None, on: str | None, told: str
) -> None:
    listed.place.settle(rows(2))
    listed.place.write("worker_missing.py", MISSING)
    listed.place.write("worker_needs.py", "import not_installed_anywhere\n")
    listed.place.write("worker_arq.py", "from kclassify.adapters.arq import ArqJobs\n")
    listed.place.write("worker_broken.py", "raise ValueError('amqp://me:secret@host')\n")
    options = [*(["--app", app] if app else []), *(["--on", on] if on else [])]
    for command in ("start", "kick"):
        ended = listed.place.run(command, *options)
        assert ended.status == 2, ended.out
        assert told in ended.err
        assert ended.err.count("\n") == 1
        assert "secret" not in ended.err


def test_a_broker_that_cannot_be_reached_leaves_a_pass_that_starts_later(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    listed.place.settle(rows(4), JOBS)
    listed.place.write("worker_alone.py", REFUSING)
    ended = listed.place.run("start", "--app", "worker_alone:jobs")
    assert ended.status == 1
    assert ended.err == (
        "kclassify: amqp://127.0.0.1:1 does not answer; the pass is begun: the same command, or "
        "kclassify kick, enqueues it later\n"
    )
    assert listed.place.run("start").status == 0
    listed.work()
    assert len(stub.requests) == 4


def test_the_module_is_found_in_the_working_folder(place: Place) -> None:
    place.settle(rows(2), JOBS)
    place.write("worker.py", "jobs = 3\n")
    process = place.start("start")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "worker:jobs is a int and no job system" in err


def test_a_run_that_a_worker_without_a_job_is_at_is_left_to_it(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    listed.place.settle(rows(4), JOBS)
    stub.set_fault(Hang())
    process = listed.place.start("dry-run")
    try:
        stub.wait_until(lambda state: state.in_flight == 4, timeout_s=60)
        ended = listed.place.run("start")
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert ended.status == 75
    assert f"Nothing is enqueued: process {process.pid} on " in ended.out
    assert listed.jobs() == []


@pytest.mark.parametrize("is_file", [False, True])
def test_a_pass_is_the_same_from_whatever_folder_it_is_worked_on(
    listed: Listed, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch, *, is_file: bool
) -> None:
    listed.place.settle(rows(6))
    source = '[source]\nurl = "sqlite:///articles.db"\ntable = "articles"\ncurrent = "category"\n'
    if is_file:
        lines = [{"id": n, "body": body, "category": None} for n, body, _ in rows(6)]
        listed.place.write("articles.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
        source = '[source]\npath = "articles.jsonl"\ncurrent = "category"\n'
    listed.place.write("kclassify.toml", source + JOBS)
    assert listed.place.run("dry-run", "--max-items", "2").status == 0
    assert listed.place.run("start").status == 0
    elsewhere = listed.place.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert [job.number for job, _ in listed.work()] == [1]
    config = str(listed.place.folder / "kclassify.toml")
    (only,) = listed.place.run("status", "--config", config, "--json").json["passes"]
    assert (only["status"], only["settled"]) == ("done", 6)
    assert len(stub.requests) == 6


@pytest.mark.parametrize("kind", ["TEXT", "INTEGER"])
def test_a_tenant_that_no_row_has_begins_no_run(
    any_listed: Listed, stub: StubMessagesAPI, kind: str
) -> None:
    del stub
    place = any_listed.place
    settle_tenants(place, (7, 10, 7), kind)
    for tenant in ("8", "abc"):
        ended = place.run("start", "--tenant", tenant)
        assert (ended.status, ended.out) == (2, "")
        assert f"no row of articles has owner '{tenant}'" in ended.err
    assert any_listed.jobs() == []
    assert place.run("status", "--all", "--json").json == []
    assert place.run("start", "--tenant", "7").status == 0


def test_a_pass_that_is_abandoned_for_another_is_told(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    place = listed.place
    place.settle(rows(6), JOBS)
    assert place.run("dry-run", "--max-items", "2").status == 0
    place.write("taxonomy.toml", TAXONOMY.replace("steps to carry out", "steps to take"))
    ended = place.run("start", "--json")
    assert ended.err == (
        "kclassify: pass 1, with 2 rows settled, is abandoned: it was of another classifier or "
        "source\n"
    )
    assert ended.json["abandoned"] == {"pass": 1, "settled": 2, "shards": 1}
    assert [job["pass"] for job in ended.json["jobs"]] == [2]
    again = place.run("start", "--json")
    assert (again.err, again.json["abandoned"]) == ("", None)


def test_a_pass_that_goes_on_in_other_shards_than_asked_for_is_told(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    place = listed.place
    place.settle(rows(12), JOBS)
    assert place.run("start").err == ""
    whole = place.run("start", "--shards", "3")
    assert whole.status == 0
    assert "pass 1 is unfinished and stays in one piece: `kclassify divide --into N`" in whole.err
    assert place.run("divide", "--into", "3").status == 0
    assert place.run("start", "--shards", "3").err == ""
    ended = place.run("start", "--shards", "4", "--json")
    assert "pass 1 is unfinished and keeps its 3 shards" in ended.err
    assert ended.json["kept"] == {"pass": 1, "settled": 0, "shards": 3}
