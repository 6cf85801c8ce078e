"""A budget of a tenth of what a run costs, and workers that crash: never over it, by the bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random as Dice

import pytest

from kclassify import Classifier, Done, RunnerSettings
from kclassify.core.decision import Halt
from kclassify.core.price import NANODOLLARS
from kclassify.errors import DatabaseError
from kclassify.testing import (
    BadConfidence,
    FaultPlan,
    FixedLatency,
    LostReply,
    PlannedFault,
    Random,
    StubMessagesAPI,
)
from tests.runner.mortal import mortal

from .bench import MODEL, PRICE, fill, runner, spending, taxonomy

ROWS = 4_000
CONCURRENCY = 50
CHEAP = replace(PRICE, input=Decimal(0), cache_write=Decimal(0), cache_read=Decimal(0))
"""Its worst case is not much dearer than a reply, so that many calls fit into a small budget."""
TIMEOUT_S = 0.3
QUICK, ALL = range(1), range(1, 100)


def provider(seed: int) -> StubMessagesAPI:
    """Some replies never come, some are to be asked for again."""
    plan = FaultPlan(
        (
            PlannedFault(fault=LostReply(), probability=0.02, endpoint="messages"),
            PlannedFault(fault=BadConfidence(), probability=0.1, endpoint="messages"),
        )
    )
    return StubMessagesAPI(
        Random(seed), latency=FixedLatency(0.05), plan=plan, prices={CHEAP.model: CHEAP}
    )


class Tenth:
    """A run that may spend a tenth of what it would cost."""

    def __init__(self, folder: Path, stub: StubMessagesAPI) -> None:
        self.url = f"sqlite:///{folder / 'articles.db'}"
        self.stub = stub
        fill(self.url, ROWS)
        a_reply = CHEAP.output * 1000 * 9  # tokens
        self.budget = int(a_reply * ROWS / 10)

    async def work(self, calls_until_death: int | None = None) -> Halt | Done | None:
        """A worker; None where it died."""
        settings = RunnerSettings(
            max_concurrency=CONCURRENCY,
            checkpoint_s=0.1,
            budget_usd=Decimal(self.budget) / NANODOLLARS,
        )
        async with Classifier(
            taxonomy(1),
            model=MODEL,
            base_url=self.stub.url,
            api_key="stub",
            price=CHEAP,
            max_tokens=16,
            timeout_s=TIMEOUT_S,
        ) as asked:
            runs = runner(self.url, asked, settings)
            ledger = runs.ledger
            if calls_until_death is not None:
                runs.ledger = mortal(ledger, calls_until_death)
            try:
                decision = await runs.dry_run()
            except DatabaseError:
                return None
            finally:
                runs.source.close()
                ledger.close()
        assert isinstance(decision, Halt | Done)
        return decision

    def holds(self) -> None:
        """What the provider bills is in the ledger, and the ledger within the budget."""
        self.stub.wait_until(lambda state: state.in_flight == 0)
        most = spending(self.url).most
        assert self.stub.bill.nanodollars <= most <= self.budget


async def crash_and_end(folder: Path, seed: int) -> int:
    """How often its workers crashed before it came to its end."""
    dice, crashes = Dice(seed), 0
    with provider(seed) as stub:
        run = Tenth(folder, stub)
        for _ in range(dice.randint(1, 3)):
            crashes += await run.work(dice.randint(6, 30)) is None
            run.holds()
        ended = await run.work()
        run.holds()
        assert isinstance(ended, Halt)
        assert ended.reason.startswith("budget: ")
    return crashes


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("seed", QUICK)
async def test_no_crash_makes_a_run_exceed_its_budget(tmp_path: Path, seed: int) -> None:
    assert await crash_and_end(tmp_path, seed) >= 1


@pytest.mark.anyio
@pytest.mark.nightly
@pytest.mark.parametrize("seed", ALL)
async def test_no_crash_at_all_makes_a_run_exceed_its_budget(tmp_path: Path, seed: int) -> None:
    assert await crash_and_end(tmp_path, seed) >= 1
