"""What the ledger says that a run cost, held against the bill of the provider."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from kclassify import Done, LedgerReader, Mode, RunnerSettings
from kclassify.core.decision import Halt
from kclassify.core.price import NANODOLLARS
from kclassify.database import Database
from kclassify.testing import (
    BadConfidence,
    BatchRules,
    Fault,
    FaultPlan,
    FixedLatency,
    Hang,
    LostReply,
    Overloaded,
    PlannedFault,
    Random,
    Refusal,
    StubMessagesAPI,
    Truncation,
    WrongLabel,
)

from .bench import BUDGET, CONCURRENCY, MODEL, PRICE, RUN, classifier, fill, spending, work

ROWS = 300
A_CENT = NANODOLLARS // 100
WORKER = Path(__file__).with_name("bench.py")
REPOSITORY = Path(__file__).parents[2]


BY_NIGHT = [pytest.mark.services, pytest.mark.nightly]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=BY_NIGHT)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'articles.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    """Refusals, cut replies, replies to be asked for again, and refusals to serve."""
    shares: dict[Fault, float] = {
        WrongLabel(): 0.1,
        Refusal(): 0.05,
        Truncation(): 0.05,
        BadConfidence(): 0.05,
        Overloaded(): 0.03,
    }
    plan = FaultPlan(
        tuple(
            PlannedFault(fault=fault, probability=share, endpoint="messages")
            for fault, share in shares.items()
        )
    )
    api = StubMessagesAPI(
        Random(3, lowest=0.8),
        latency=FixedLatency(0.02),
        plan=plan,
        prices={PRICE.model: PRICE},
        batch_rules=BatchRules(expire_share=0.1, error_share=0.1),
    )
    with api:
        yield api


def start(url: str, stub: StubMessagesAPI) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cost.bench", url, stub.url, "direct"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=REPOSITORY,
    )


def hang_all(stub: StubMessagesAPI) -> None:
    """So that every call before is answered and recorded, and those in flight never are."""
    stub.set_fault(Hang())
    answered = stub.answered
    stub.wait_until(lambda state: state.in_flight == CONCURRENCY and state.answered >= answered)


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # the worker that dies has its own
async def test_the_meter_is_the_bill_whatever_happens(url: str, stub: StubMessagesAPI) -> None:
    """Re-asks, cache hits, refusals, cut replies, a kill -9, then the rest in batches."""
    fill(url, ROWS)
    worker = start(url, stub)
    stub.wait_until(lambda state: state.answered > ROWS // 3, timeout_s=60)
    hang_all(stub)
    worker.kill()
    worker.wait()
    stub.set_fault(None)
    after_kill, missing = spending(url), stub.bill.nanodollars
    missing -= after_kill.charge.cost
    assert 0 <= missing < A_CENT  # first questions of items whose second one was in flight
    assert missing <= after_kill.held

    asked = classifier(stub.url, "batch")
    decision = await work(url, asked, settings=RunnerSettings(budget_usd=BUDGET))

    assert decision == Done()
    bill, metered = stub.bill, spending(url)
    assert bill.nanodollars - metered.charge.cost == missing
    assert metered.charge.unpriced == metered.charge.uncertain == 0
    assert metered.held == after_kill.held
    assert bill.nanodollars <= metered.most
    assert {line.transport for line in bill.lines} == {"direct", "batch"}
    assert bill.usage.cache_read_tokens > bill.usage.cache_write_tokens > 0
    database = Database(url)
    assert LedgerReader(database).status(RUN).passes[-1].settled == ROWS
    database.close()


@pytest.mark.anyio
async def test_a_cached_prefix_makes_the_input_as_much_cheaper_as_the_prices_say(
    tmp_path: Path,
) -> None:
    """And the cold start writes the cache once, whatever the concurrency."""
    bills = {}
    for cache in ("5m", "off"):
        url = f"sqlite:///{tmp_path / cache}.db"
        fill(url, 60)
        with StubMessagesAPI(latency=FixedLatency(0.02), prices={PRICE.model: PRICE}) as stub:
            asked = classifier(stub.url, cache="5m" if cache == "5m" else "off")
            await work(url, asked, Mode.DRY_RUN)
            bills[cache] = stub.bill
    cached, plain = bills["5m"].usage, bills["off"].usage
    prefix = cached.cache_write_tokens
    assert prefix > PRICE.min_cache_tokens
    assert cached.cache_read_tokens == 59 * prefix
    assert cached.input_tokens + 60 * prefix == plain.input_tokens
    spared = prefix * (60 * PRICE.input - PRICE.cache_write - 59 * PRICE.cache_read)
    assert bills["off"].nanodollars - bills["5m"].nanodollars == pytest.approx(
        1000 * spared, abs=60
    )


@pytest.mark.anyio
async def test_a_budget_is_never_exceeded_and_tells_what_is_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'articles'}.db"
    fill(url, 200)
    settings = RunnerSettings(max_concurrency=50, budget_usd=Decimal("0.08"))
    with StubMessagesAPI(latency=FixedLatency(0.01), prices={PRICE.model: PRICE}) as stub:
        first = await work(url, classifier(stub.url, words=1), Mode.DRY_RUN, settings)
        again = await work(url, classifier(stub.url, words=1), Mode.DRY_RUN, settings)
        assert isinstance(first, Halt)
        assert isinstance(again, Halt)
        assert first.reason.startswith("budget: ")
        assert 0 < stub.bill.nanodollars <= Decimal("0.08") * NANODOLLARS
        assert stub.bill.nanodollars == spending(url).charge.cost
        more = settings.model_copy(update={"budget_usd": Decimal(5)})
        assert await work(url, classifier(stub.url, words=1), Mode.DRY_RUN, more) == Done()
        assert stub.bill.answers == 200
        assert stub.bill.lines == (
            replace(stub.bill.lines[0], model=MODEL, transport="direct", answers=200),
        )


@pytest.mark.slow
def test_a_kill_amid_live_traffic_leaves_no_call_on_the_bill_that_nothing_tells_of(
    url: str, stub: StubMessagesAPI
) -> None:
    """Answers that come, answers that are lost, and a budget: all of it is told in some way."""
    fill(url, ROWS)
    stub.script([LostReply() if n % 10 == 9 else None for n in range(ROWS)])
    worker = start(url, stub)
    stub.wait_until(lambda state: state.answered > ROWS // 6, timeout_s=60)
    worker.kill()
    worker.wait()
    stub.wait_until(lambda state: state.in_flight == 0)
    told, bill = spending(url), stub.bill.nanodollars
    assert told.charge.cost < bill <= told.most
    assert told.most <= BUDGET * NANODOLLARS
