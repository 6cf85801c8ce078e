"""What a runner takes from the machine that it runs on: threads, chance and a name of its own."""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from kclassify.core.batch import NONCE_CHARS
from kclassify.holder import this_holder
from kclassify.runner.thread import Worker, WorkerThread

_ALPHABET = string.ascii_letters + string.digits


def any_nonce() -> str:
    """A nonce for a batch, by chance: nobody meets one again."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(NONCE_CHARS))


@dataclass(frozen=True, slots=True)
class Machine:
    """For simulations and tests, which own these: a run is then the same each time.

    `worker(name)` makes what calls synchronous functions one at a time, the database's among them;
    `jitter()` is a number in [0, 1) by chance; `holder()` names a worker in the ledger's lease;
    `nonce()` is in the names of what one batch asks, and of no other.
    """

    worker: Callable[[str], Worker] = WorkerThread
    jitter: Callable[[], float] = random.random
    holder: Callable[[], str] = this_holder
    nonce: Callable[[], str] = any_nonce
