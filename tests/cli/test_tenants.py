"""Runs of single tenants: each with its own rows, and nobody's rows are told."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kclassify.core.gate import DryRunSeal
from kclassify.testing import StubMessagesAPI
from tests.cli.gates import GATE, write_gate
from tests.cli.listed_jobs import Listed
from tests.cli.place import Place, rows
from tests.cli.tenants import moved, settle_tenants

OWNERS = ("acme", "zeta", "acme", None, "zeta", "acme")
ODD = ("a b", "a%20b", "x/y", "", "-x", "'; DROP TABLE articles; --", "$(id)", "a\nb", "Ünï", "0")
FAILING = """
from worker import ListedJobs
from kclassify.errors import EnqueueError


class Failing(ListedJobs):
    left = 3

    def enqueue(self, job, after_s=0):
        if not self.left:
            raise EnqueueError("redis://127.0.0.1:1 does not answer")
        self.left -= 1
        super().enqueue(job, after_s)


jobs = Failing()
"""


def test_every_tenant_gets_a_run_of_its_own(any_listed: Listed, stub: StubMessagesAPI) -> None:
    place = any_listed.place
    settle_tenants(place, OWNERS)
    ended = place.run("start", "--commit", "--override", "read", "--every-tenant")
    assert ended.status == 0, ended.err
    assert "2 runs started: 2 jobs are enqueued on listed: articles/acme commit 1, " in ended.out
    assert "1 row without a tenant (NULL) is in no run of these" in ended.out
    any_listed.work()
    runs = {each["name"]: each for each in place.run("status", "--all", "--json").json}
    assert {name: run["settled"] for name, run in runs.items()} == {
        "articles/acme": 3, "articles/zeta": 2,
    }  # fmt: skip
    assert moved(place) == {1, 2, 3, 5, 6}
    assert len(stub.requests) == 5
    # The run over the whole table has the row that is nobody's, and pays for nothing twice.
    assert place.run("commit", "--override", "read").status == 0
    assert len(stub.requests) == 6
    assert moved(place) == {1, 2, 3, 4, 5, 6}


def test_the_other_commands_are_about_one_tenant(place: Place, stub: StubMessagesAPI) -> None:
    settle_tenants(place, OWNERS)
    assert place.run("dry-run", "--tenant", "acme").status == 0
    assert len(stub.requests) == 3
    assert place.run("commit", "--tenant", "acme", "--override", "read").status == 0
    assert place.run("commit", "--tenant", "zeta", "--override", "read").status == 0
    assert place.run("status", "--tenant", "acme", "--json").json["name"] == "articles/acme"
    assert len(place.run("audit", "--tenant", "acme", "--json").json) == 3
    verified = place.run("audit", "--tenant", "acme", "--verify", "--json")
    assert (verified.status, verified.json["items"], verified.json["lost"]) == (0, 3, 0)
    assert place.run("failures", "--tenant", "acme", "--json").json == []
    assert place.run("retry", "--tenant", "acme").status == 0
    assert place.run("rollback", "--tenant", "acme", "--json").json["reverted"] == 3
    assert moved(place) == {2, 5}


@pytest.mark.parametrize(
    ("kind", "owners"),
    [
        ("INTEGER", (7, 10, 7)),
        ("BIGINT", (-3, 2**40, -3)),
        ("TEXT", ("7", "07", "7")),
        ("CHAR(4)", ("ab", "abcd", "ab")),
        ("UUID", (str(uuid.UUID(int=5)), str(uuid.UUID(int=7)), str(uuid.UUID(int=5)))),
    ],
)
def test_a_tenant_may_be_a_number_a_text_or_a_uuid(
    any_listed: Listed, stub: StubMessagesAPI, kind: str, owners: tuple[object, ...]
) -> None:
    del stub
    place = any_listed.place
    settle_tenants(place, owners, kind)
    assert place.run("start", "--every-tenant").status == 0
    any_listed.work()
    runs = place.run("status", "--all", "--json").json
    assert sorted(each["settled"] for each in runs) == [1, 2]
    told = place.run("dry-run", "--tenant", str(owners[1]), "--json").json
    assert told["pass"]["settled"] == 1


def test_a_column_without_a_type_holds_numbers_and_texts(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    settle_tenants(listed.place, (7, "7", "x", 8), kind="")
    assert listed.place.run("start", "--every-tenant").status == 0
    listed.work()
    runs = {each["name"]: each["settled"] for each in _runs(listed.place)}
    assert runs == {"articles/7": 2, "articles/8": 1, "articles/x": 1}


def _runs(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.run("status", "--all", "--json").json
    return found


def test_a_name_that_is_odd_is_one_plain_word_and_finds_its_rows(
    any_listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    place = any_listed.place
    settle_tenants(place, ODD)
    assert place.run("start", "--every-tenant").status == 0
    jobs = any_listed.jobs()
    assert {job.tenant for job in jobs} == set(ODD)
    any_listed.work()
    runs = {each["name"]: each["settled"] for each in _runs(place)}
    assert runs == {f"articles/{name}": 1 for name in (
        "a%20b", "a%2520b", "x%2Fy", "", "-x", "%27%3B%20DROP%20TABLE%20articles%3B%20--",
        "%24%28id%29", "a%0Ab", "Ünï", "0",
    )}  # fmt: skip
    for tenant in ODD:
        asked = place.run("status", f"--tenant={tenant}", "--json")
        assert asked.json["passes"][0]["settled"] == 1, tenant


def test_a_start_that_broke_off_goes_on_with_the_others(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    owners = [f"tenant-{n:02}" for n in range(8)]
    settle_tenants(listed.place, owners)
    listed.place.write("worker_failing.py", FAILING)
    broken = listed.place.run("start", "--every-tenant", "--app", "worker_failing:jobs")
    assert broken.status == 1
    assert "3 runs are started, and the same command goes on with the others" in broken.err
    again = listed.place.run("start", "--every-tenant")
    assert again.status == 0
    assert "5 runs started" in again.out
    assert "3 runs are under way" in again.out
    assert [job.tenant for job in listed.jobs()] == owners


def test_a_tenant_whose_rows_cannot_be_read_keeps_no_other_from_starting(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    settle_tenants(listed.place, ("acme", "bad", "zeta") * 2)
    listed.place.relabel(2, "unheard of")
    ended = listed.place.run("start", "--every-tenant", "--shards", "2", "--json")
    assert ended.status == 1
    assert {job.tenant for job in listed.jobs()} == {"acme", "zeta"}
    (refused,) = [each for each in ended.json["runs"] if each["refusal"]]
    assert refused["tenant"] == "bad"
    assert "the taxonomy does not know the current label 'unheard of'" in refused["refusal"]


def test_one_evaluation_of_the_whole_lets_each_tenant_commit(
    any_listed: Listed, stub: StubMessagesAPI
) -> None:
    place = any_listed.place
    settle_tenants(place, OWNERS, more=GATE)
    assert place.run("dry-run").status == 0
    seal = DryRunSeal(run="articles", number=1, rows=6, proposals=6)
    write_gate(place, rows(3), dry_run=seal)
    assert place.run("start", "--commit", "--tenant", "acme").status == 0
    any_listed.work()
    assert moved(place) == {1, 3, 6}
    assert place.run("start", "--commit", "--every-tenant").status == 0
    any_listed.work()
    assert moved(place) == {1, 2, 3, 5, 6}
    assert len(stub.requests) == 6


def test_the_evaluation_of_one_tenant_lets_no_other_write(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    place = listed.place
    settle_tenants(place, OWNERS, more=GATE)
    assert place.run("dry-run", "--tenant", "acme").status == 0
    evaluated = [each for each in rows(6) if OWNERS[each[0] - 1] == "acme"]
    seal = DryRunSeal(run="articles/acme", number=1, rows=3, proposals=3)
    write_gate(place, evaluated, dry_run=seal)
    other = place.run("commit", "--tenant", "zeta")
    assert other.status == 0, other.err
    assert "2 items stay: new or changed since the evaluation" in other.out
    assert moved(place) == set()
    assert place.run("commit", "--tenant", "acme").status == 0
    assert moved(place) == {1, 3, 6}


def test_what_cannot_be_done_for_tenants_is_told(listed: Listed, stub: StubMessagesAPI) -> None:
    del stub
    place = listed.place
    settle_tenants(place, (b"\x01",), kind="BLOB")
    assert "holds a bytes: a tenant is named by" in place.run("start", "--every-tenant").err
    both = place.run("start", "--every-tenant", "--tenant", "x")
    assert "give either --tenant or --every-tenant" in both.err
    config = (place.folder / "kclassify.toml").read_text()
    place.write("kclassify.toml", config.replace('"owner"', '"nobody"'))
    for command in (("start", "--every-tenant"), ("dry-run", "--tenant", "x")):
        ended = place.run(*command)
        assert (ended.status, ended.err.count("\n")) == (2, 1)
        assert "has no column 'nobody'" in ended.err
    place.write("kclassify.toml", config.replace('tenant = "owner"', ""))
    for command in (("start", "--every-tenant"), ("dry-run", "--tenant", "x")):
        ended = place.run(*command)
        assert (ended.status, "[source] tenant" in ended.err) == (2, True)
