"""Runs a peer and prints what it took, the tool's imports and set-up left out."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchmarks.peers.task import LABELS, WARM_UP, Task, read_task

Labels = dict[int, str]
Peer = Callable[[Task], Callable[[], Labels | Awaitable[Labels]]]


def carry_out(prepare: Peer) -> None:
    """Sets a peer up for the task of the command line, lets it answer and prints one JSON line.

    `prepare` returns what is measured: a function, or a coroutine function, that returns the label
    of each item that has one. The line has `labelled` (items with one of the labels), `seconds` of
    wall clock, `processor_s` of this process and its children, and `peak_mb` since the process
    started, set-up and imports included.
    """
    task = read_task()
    with asyncio.Runner() as runner:  # of both, since some tools keep connections for their loop
        _answer(prepare(replace(task, texts=WARM_UP, folder=_new(task.folder))), runner)
        answer = prepare(task)
        processor_s, began = _processor_s(), time.perf_counter()
        labels = _answer(answer, runner)
        seconds, processor_s = time.perf_counter() - began, _processor_s() - processor_s
    measured = {
        "seconds": seconds,
        "processor_s": processor_s,
        "peak_mb": _peak_mb(),
        "labelled": sum(label in LABELS for label in labels.values()),
    }
    print(f"\n{json.dumps(measured)}", flush=True)


def _answer(answer: Callable[[], Labels | Awaitable[Labels]], runner: asyncio.Runner) -> Labels:
    labels = answer()
    return runner.run(_whole(labels)) if inspect.isawaitable(labels) else labels


def _new(folder: Path) -> Path:
    warm_up = folder / "warm-up"
    warm_up.mkdir()
    return warm_up


async def _whole(labels: Awaitable[Labels]) -> Labels:
    return await labels


def _processor_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _peak_mb() -> float:
    """Of this process and the children that it still has, each at its own peak."""
    return sum(map(_high_water_mb, [os.getpid(), *_descendants(os.getpid())]))


def _descendants(process: int) -> list[int]:
    children = [int(child) for said in _told(process, "task/*/children") for child in said.split()]
    return children + [further for child in children for further in _descendants(child)]


def _high_water_mb(process: int) -> float:
    lines = [line for said in _told(process, "status") for line in said.splitlines()]
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _told(process: int, pattern: str) -> Iterator[str]:
    """What the system says of a process, or nothing of a thread that has just ended."""
    for path in Path(f"/proc/{process}").glob(pattern):
        with suppress(OSError):
            yield path.read_text()
