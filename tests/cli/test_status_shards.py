"""The shards of a pass, as `kclassify status` tells them."""

from __future__ import annotations

import time

import pytest

from kclassify.adapters.from_config import from_config
from kclassify.adapters.translate import run_step
from kclassify.cli.shard_report import say_shards
from kclassify.core.states import PassStatus
from kclassify.core.verdict import Usage
from kclassify.holder import this_holder
from kclassify.ports import Mode
from kclassify.store import PassReport
from kclassify.store.shard_reports import ShardReport
from kclassify.testing import StubMessagesAPI
from tests.cli.listed_jobs import JOBS, Listed
from tests.cli.place import rows


def test_each_shard_is_told_and_all_of_them_together(
    any_listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    place = any_listed.place
    place.settle(rows(12), JOBS)
    place.run("start", "--shards", "3")
    first, *others = any_listed.take()
    run_step(from_config, first)
    shown = place.run("status").out
    assert "3 shards (open 2, done 1), 0 workers: 4 of 12 items settled, 33%" in shown
    assert "the first to 4" in " ".join(shown.split())
    assert "after 8 to the last" in " ".join(shown.split())
    latest = place.run("status", "--json").json["passes"][-1]
    assert latest["progress"] == {"settled": 4, "items": 12}
    assert [(each["number"], each["after"], each["until"]) for each in latest["shards"]] == [
        (1, None, 4), (2, 4, 8), (3, 8, None),
    ]  # fmt: skip
    assert [each["status"] for each in latest["shards"]] == ["done", "open", "open"]
    for job in others:
        run_step(from_config, job)
    assert "3 shards (done 3), 0 workers: 12 of 12 items settled, 100%" in place.run("status").out


def test_many_shards_are_summed_up_unless_all_are_asked_for(
    listed: Listed, stub: StubMessagesAPI
) -> None:
    del stub
    listed.place.settle(rows(30), JOBS)
    listed.place.run("start", "--shards", "25")
    short = listed.place.run("status").out
    assert "25 shards (open 25), 0 workers: 0 of 30 items settled, 0%" in short
    assert "due, and nobody works on 25 shards: 1, 2, 3, " in short
    assert "`kclassify status --shards` shows each of them" in short
    assert "after " not in short
    assert listed.place.run("status", "--shards").out.count("after ") == 24


def test_a_worker_a_snooze_and_a_halt_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    say_shards(
        _report(
            _shard(1, holder=this_holder(), expires_at=now + 60, next_step_at=now),
            _shard(2, next_step_at=now + 45.4),
            _shard(
                3, holder="elsewhere/boot/ns:12:34#ab", expires_at=now - 1, next_step_at=now - 9
            ),
            _shard(4, status=PassStatus.HALTED, last_decision="halt: bad credentials"),
        ),
        every=False,
    )
    first, _, *lines = capsys.readouterr().out.strip().splitlines()
    assert first == "4 shards (open 3, halted 1), 1 worker: 8 of 40 items settled, 20%"
    assert "process " in lines[0]
    assert "in 45 s" in lines[1]
    assert "due for 9 s" in lines[2]
    assert "process" not in lines[2]
    assert "none: halt: bad credentials" in lines[3]


def _shard(
    number: int,
    *,
    holder: str | None = None,
    expires_at: float = 0.0,
    next_step_at: float | None = None,
    status: PassStatus = PassStatus.OPEN,
    last_decision: str | None = None,
) -> ShardReport:
    return ShardReport(
        number=number,
        after=None,
        until=None,
        items=10,
        settled=2,
        status=status,
        cursor=None,
        lease_holder=holder,
        lease_expires_at=expires_at,
        updated_at=1.0,
        next_step_at=next_step_at,
        last_decision=last_decision,
    )


def _report(*shards: ShardReport) -> PassReport:
    return PassReport(
        number=1,
        mode=Mode.DRY_RUN,
        status=PassStatus.OPEN,
        model="model",
        fingerprint="f",
        source="a table",
        settled=8,
        cursor=None,
        transitions=(),
        outcomes={},
        changes={},
        usage=Usage(),
        override=None,
        gate=None,
        gate_refusal=None,
        started_at=1.0,
        updated_at=1.0,
        finished_at=None,
        last_decision=None,
        shards=shards,
    )
