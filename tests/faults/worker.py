"""A worker that is hit by a signal at a chosen moment: `worker.py`, orders on standard input.

It imports everything once and forks a process for each order, a JSON object on a line; the answer
is one, too. Moments are counted: each step of a task, which is where an awaited point resumes, and
before and after each statement and each commit.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import trio
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from kclassify import (
    Classifier,
    ColumnWriter,
    Database,
    Decision,
    Done,
    Halt,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Superseded,
)
from kclassify.errors import KclassifyError
from kclassify.runner import stop_on_signals
from kclassify.testing import VirtualClock
from tests.small import TAXONOMY

RUN = "hit"
CONCURRENCY = 2
DONE, FAILED, SUPERSEDED, HALTED, PAUSED, CANCELLED = 0, 1, 3, 4, 75, 130
KNOWN = 255


@dataclass(frozen=True)
class Order:
    """One run of a worker.

    Signal number `signal` is sent at moment `at`, counted from 0 over all moments or those of the
    name `place`, and with `twice` once more at the moment after; never when `at` is None.
    `ledger` is None where the ledger is in the table's database. The clock begins `ahead_s` late,
    is virtual unless `real_time`, and jumps by `jump_s` at moment `jump_at`. `host` is the name of
    the machine that the worker believes to be on.
    """

    url: str
    provider: str
    report: str
    ledger: str | None = None
    backend: str = "trio"
    signal: int = signal.SIGKILL
    at: int | None = None
    place: str | None = None
    twice: bool = False
    ahead_s: float = 0.0
    jump_s: float = 0.0
    jump_at: int | None = None
    real_time: bool = False
    host: str | None = None
    lease_s: float = 60.0
    checkpoint_s: float = 0.001


@dataclass
class Moments:
    """Counts moments, and acts at the chosen ones."""

    order: Order
    clock: VirtualClock
    names: list[str] = field(default_factory=list[str])
    is_on: bool = False
    _hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_by(self, name: str) -> None:
        """One more moment."""
        if not self.is_on:
            return
        with self._lock:
            number = len(self.names)
            self.names.append(name)
            hits = self._is_hit(name)
        if number == self.order.jump_at:
            self.clock.advance(self.order.jump_s)
        if hits:
            self.write()
            os.kill(os.getpid(), self.order.signal)

    def _is_hit(self, name: str) -> bool:
        order = self.order
        if self._hits or order.at is None:
            self._hits += bool(self._hits)
            return order.twice and self._hits == 2  # the moment after
        if order.place not in {None, name}:
            return False
        seen = len(self.names) if order.place is None else self.names.count(name)
        self._hits = int(seen == order.at + 1)
        return self._hits == 1

    def write(self) -> None:
        """Leave the names of all moments so far."""
        Path(self.order.report).write_text(json.dumps(self.names), encoding="utf-8")


class TrioSteps(trio.abc.Instrument):
    """Each step of each task of trio's."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Called by trio."""
        self._moments.pass_by(f"step of {task.name.rpartition('.')[2]}")


def watch_asyncio(moments: Moments) -> None:
    """Each callback that asyncio's loop runs: the steps of tasks are among them."""
    handles: Any = asyncio.Handle
    run: Callable[[object], None] = handles._run

    def counted(handle: object) -> None:
        moments.pass_by("step")
        run(handle)

    handles._run = counted


def watch_databases(moments: Moments) -> None:
    """Before and after each statement and each commit, in whatever thread.

    What sets a connection up changes nothing, and is left out.
    """

    def before(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("PRAGMA"):
            moments.pass_by(f"before {short(statement)}")

    def after(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("PRAGMA"):
            moments.pass_by(f"after {short(statement)}")

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    dialects: Any = DefaultDialect
    commit: Callable[[object, object], None] = dialects.do_commit

    def committed(dialect: object, connection: object) -> None:
        moments.pass_by("before a commit")
        commit(dialect, connection)
        moments.pass_by("after a commit")

    dialects.do_commit = committed


def short(statement: str) -> str:
    """What a statement does, to which table."""
    words = statement.split()
    tables = [word for word in words if word.startswith(("kclassify_", "articles"))]
    return " ".join([words[0], *(table.partition(".")[0] for table in tables[:1])])


async def commit(order: Order, clock: VirtualClock, moments: Moments) -> int:
    """Commit the table; the exit status."""
    database = Database(order.url)
    ledger = database if order.ledger is None else Database(order.ledger, create=True)
    async with Classifier(TAXONOMY, base_url=order.provider, api_key="stub") as classifier:
        runner = ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="category"),
            classifier=classifier,
            ledger=SqlLedger(ledger),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            name=RUN,
            settings=RunnerSettings(
                max_concurrency=CONCURRENCY,
                checkpoint_items=3,
                checkpoint_s=order.checkpoint_s,
                snooze_seconds=5,
                lease_s=order.lease_s,
            ),
            clock=None if order.real_time else clock,
        )
        decisions: list[Decision] = []
        moments.is_on = True
        async with stop_on_signals(runner):
            decisions.append(await runner.commit(override="hit by a signal"))
        moments.is_on = False
        return status_of(decisions)


def status_of(decisions: list[Decision]) -> int:
    """The exit status; a run without a decision was cancelled."""
    match decisions:
        case [Done()]:
            return DONE
        case [Superseded()]:
            return SUPERSEDED
        case [Halt()]:
            return HALTED
        case []:
            return CANCELLED
        case _:
            return PAUSED


def work(order: Order) -> int:
    """The whole life of a worker."""
    clock = VirtualClock(time.time() + order.ahead_s, idle_s=0.01)
    moments = Moments(order, clock)
    if order.host is not None:
        host = order.host
        socket.gethostname = lambda: host
    watch_databases(moments)
    options: dict[str, Any] = {}
    if order.backend == "trio":
        options["instruments"] = [TrioSteps(moments)]
    else:
        watch_asyncio(moments)
    try:
        return anyio.run(
            commit, order, clock, moments, backend=order.backend, backend_options=options
        )
    except KeyboardInterrupt:  # before the run, or after it
        return CANCELLED
    except KclassifyError as error:
        print(error, file=sys.stderr)
        return FAILED
    finally:
        moments.write()


def fork(order: Order) -> int:
    """Do it in a process of its own; its number."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            close_the_pipes()
            status = work(order)
        except BaseException:  # noqa: BLE001  # a defect, which the status tells of, too
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return child


def close_the_pipes() -> None:
    """They are not for a worker: whoever reads the answers to their end waits for no worker."""
    with Path(os.devnull).open("r+", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)


def import_everything() -> None:
    """So that no process does it again: what a client needs is imported when it is made."""
    Classifier(TAXONOMY, base_url="http://127.0.0.1:1", api_key="stub")
    for name in ("h11", "anyio._backends._trio", "anyio._backends._asyncio", "psycopg"):
        import_module(name)


def ended(child: int) -> int:
    """How it ended; `KNOWN` when that was told before, to somebody who gave up waiting."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return KNOWN


def main() -> None:
    """Serve orders: `{"start": order}` forks, `{"wait": pid}` tells how that process ended.

    `{"stopped": pid}` waits until it is suspended, or has ended. Each answer repeats the order's
    `number`.
    """
    import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = fork(Order(**request["start"]))
        elif "stopped" in request:
            answer = int(os.WIFSTOPPED(os.waitpid(request["stopped"], os.WUNTRACED)[1]))
        else:
            answer = ended(request["wait"])
        print(json.dumps([request["number"], answer]), flush=True)


if __name__ == "__main__":
    main()
