from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kclassify.core.decision import Superseded
from kclassify.database import Database
from kclassify.holder import is_alive, this_holder
from kclassify.ports import Pass
from kclassify.store import SqlLedger
from kclassify.testing.contracts.ledger_material import LEASE_S, NOW, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PRINT_HOLDER = "from kclassify.holder import this_holder; print(this_holder(), flush=True); input()"

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"),  # noqa: PTH110 - nothing but a question
    reason="only Linux tells when a process started",
)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """A process that waits to be killed."""
    with subprocess.Popen(
        [sys.executable, "-c", PRINT_HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def holder_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_this_process_lives_and_names_its_host_and_pid() -> None:
    holder = this_holder()
    assert is_alive(holder)
    assert f":{os.getpid()}:" in holder


def test_a_killed_process_is_dead_even_before_its_parent_looks(
    other: subprocess.Popen[str],
) -> None:
    holder = holder_of(other)
    assert is_alive(holder)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # ended, and still there as a zombie
    assert not is_alive(holder)
    other.wait()
    assert not is_alive(holder)


def test_a_reused_process_id_is_another_process() -> None:
    place, _, _ = this_holder().rpartition(":")
    assert not is_alive(f"{place}:1")


@pytest.mark.parametrize(
    "holder",
    ["", "someone", "elsewhere/boot/1:1:1", "host/boot-id/1:x:1", "host/boot-id/1:99999999999:1"],
)
def test_a_holder_of_another_place_is_given_the_benefit_of_the_doubt(holder: str) -> None:
    assert is_alive(holder)


def test_another_boot_of_this_host_is_in_doubt() -> None:
    host, _, rest = this_holder().partition("/")
    _, _, process = rest.partition("/")
    assert is_alive(f"{host}/another-boot/{process}")


def test_the_lease_of_a_killed_worker_is_taken_at_once(
    database: Database, other: subprocess.Popen[str]
) -> None:
    ledger = SqlLedger(database)
    dead = holder_of(other)
    assert isinstance(ledger.open(request_of(), dead, NOW, LEASE_S), Pass)
    assert ledger.open(request_of(), this_holder(), NOW + 1, LEASE_S) == Superseded(dead)
    other.kill()
    other.wait()
    assert isinstance(ledger.open(request_of(), this_holder(), NOW + 1, LEASE_S), Pass)


def test_who_is_alive_can_be_told(database: Database) -> None:
    ledger = SqlLedger(database, is_alive=lambda holder: holder != "dead")
    assert isinstance(ledger.open(request_of(), "dead", NOW, LEASE_S), Pass)
    assert isinstance(ledger.open(request_of(), "living", NOW, LEASE_S), Pass)
    assert ledger.open(request_of(), "third", NOW, LEASE_S) == Superseded("living")
