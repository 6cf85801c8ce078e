"""What a runner takes from the machine that it runs on: threads, chance and a name of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from kclassify.holder import this_holder
from kclassify.runner.thread import Worker, WorkerThread


@dataclass(frozen=True, slots=True)
class Machine:
    """For simulations and tests, which own these: a run is then the same each time.

    `worker(name)` makes what calls synchronous functions one at a time, the database's among them;
    `jitter()` is a number in [0, 1) by chance; `holder()` names a worker in the ledger's lease.
    """

    worker: Callable[[str], Worker] = WorkerThread
    jitter: Callable[[], float] = random.random
    holder: Callable[[], str] = this_holder
