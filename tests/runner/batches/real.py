"""A real run in batches: a database, the real client over HTTP, and deaths of the process itself.

`python -m tests.runner.batches.real URL STUB_URL DEATH LATER_S` commits the table until it is done,
or dies by SIGKILL once it has made the call that DEATH names so often: `create:1`, `collect:2`. Its
clock is ahead by `LATER_S`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import anyio

from kclassify import (
    Category,
    Classifier,
    ColumnWriter,
    Database,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Taxonomy,
)
from kclassify.core.batch import BatchLimits
from kclassify.ports import Clock
from kclassify.runner.clock import SystemClock

LABELS = ("left", "right", "straight")
TAXONOMY = Taxonomy[str](
    "directions",
    (
        *(Category(name=label, definition=f"goes {label}") for label in LABELS),
        Category(name="old", retired=True),
    ),
)
LIMITS = BatchLimits(requests=1_667, in_flight=3, poll_s=1.0)
SETTINGS = RunnerSettings(min_confidence=0.0)


def classifier(stub_url: str, limits: BatchLimits | None = LIMITS) -> Classifier[str]:
    """One that asks in batches; without limits, one by one."""
    return Classifier(
        TAXONOMY,
        model="anthropic/claude-haiku-4-5",
        base_url=stub_url,
        api_key="stub",
        cache="off",
        transport="direct" if limits is None else "batch",
        batch=limits,
    )


def runner(
    database: Database, asked: Classifier[str], clock: Clock, ledger: SqlLedger | None = None
) -> ReclassifyRunner:
    return ReclassifyRunner(
        source=SqlSource(database, "articles", key="id", body="body", current="category"),
        classifier=asked,
        ledger=ledger or SqlLedger(database),
        writer=ColumnWriter(database, "articles", key="id", current="category"),
        name="batches",
        settings=SETTINGS,
        clock=clock,
    )


class Death:
    """Dies once a method was called so often."""

    def __init__(self, spelt: str) -> None:
        self.method, _, times = spelt.partition(":")
        self._left = int(times or 0)

    def count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(self, real: Any) -> Any:
        """The same object, for which that call is the last."""
        found: Callable[..., Any] | None = getattr(real, self.method, None)
        if found is None:
            return real
        is_async = self.method in {"create", "retrieve"}

        async def ask(*given: Any) -> Any:
            said = await found(*given)
            self.count()
            return said

        def call(*given: Any) -> Any:
            said = found(*given)
            self.count()
            return said

        # A frozen dataclass of the provider's among them.
        object.__setattr__(real, self.method, ask if is_async else call)
        return real


class Later(SystemClock):
    """The system's clock, ahead by so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


async def commit(*given: str) -> bool:
    url, stub_url, death, later_s = given
    database = Database(url)
    asked, ledger, fatal = classifier(stub_url), SqlLedger(database), Death(death)
    fatal.deadly(asked.batches)
    batches = fatal.deadly(ledger.batches)
    SqlLedger.batches = property(lambda _: batches)  # type: ignore[assignment,method-assign]
    decision = await runner(database, asked, Later(float(later_s)), ledger).commit(override="test")
    await asked.aclose()
    return decision == Done()


if __name__ == "__main__":
    sys.exit(0 if anyio.run(commit, *sys.argv[1:5]) else 1)
