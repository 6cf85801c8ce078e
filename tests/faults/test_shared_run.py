"""Four workers on four shards: nothing lost through outages and a kill, nothing serialised."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.crash.test_kill import fill
from tests.faults.shard_worker import Place
from tests.faults.shared_run import OUTAGES, SharedFigures, SharedRun

pytestmark = pytest.mark.services


def filled(url: str, items: int) -> str:
    engine = sa.create_engine(url)
    fill(engine, items)
    engine.dispose()
    return url


def written_once(url: str) -> bool:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        updates = connection.exec_driver_sql("SELECT count(*), count(DISTINCT id) FROM updates")
        seen, rows = updates.one()
    engine.dispose()
    return bool(seen == rows)


def disturb(run: SharedRun, outage_s: float) -> None:
    """Three outages over the run, and a worker killed after the second."""
    for place, fault in enumerate(OUTAGES, 1):
        run.reach(place / (len(OUTAGES) + 1))
        run.suffer(fault, outage_s)
        if place == 2:
            run.kill(1)


def survived(
    url: str, items: int, latency_s: float, outage_s: float, patience_s: float
) -> SharedFigures:
    place = Place(filled(url, items), "", shards=4, max_concurrency=8)
    run = SharedRun(place, items, latency_s, patience_s, workers=4)
    figures = run.go(lambda run: disturb(run, outage_s))
    print(f"\n{items:,} items, 4 workers: {figures}")
    assert figures.verification.is_clean, figures.verification.findings
    assert (figures.verification.items, figures.verification.lost) == (items, 0)
    assert figures.shards == 4
    assert written_once(url)
    return figures


@pytest.mark.slow
def test_four_workers_survive_outages_and_a_kill(postgres_url: str) -> None:
    survived(postgres_url, items=1_200, latency_s=0.02, outage_s=1, patience_s=60)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_four_workers_do_forty_thousand_items(postgres_url: str) -> None:
    survived(postgres_url, items=40_000, latency_s=0.1, outage_s=20, patience_s=1200)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_four_workers_with_one_budget_are_as_fast_as_one_with_all_of_it(
    postgres_url: str,
) -> None:
    """And four with a budget each are 3.5 times as fast as one, at least."""
    alone = rate(postgres_url, workers=1, max_concurrency=8)
    shared = rate(postgres_url, workers=4, max_concurrency=8, shared_concurrency=8)
    each = rate(postgres_url, workers=4, max_concurrency=8)
    print(
        f"\nof one worker's rate ({alone.rate:.1f} calls a second): four that share its calls "
        f"{shared.rate / alone.rate:.2f}, four with as many each {each.rate / alone.rate:.2f}"
    )
    assert shared.most_in_flight <= 8
    assert shared.rate >= 0.95 * alone.rate
    assert each.rate >= 3.5 * alone.rate


def rate(
    url: str, workers: int, max_concurrency: int, shared_concurrency: int | None = None
) -> SharedFigures:
    """The same work by so many workers; call latency is what limits them, not the processor."""
    items = 1_000 if workers == 1 or shared_concurrency else 4_000
    drop_all(url)
    place = Place(
        filled(url, items),
        "",
        shards=workers,
        max_concurrency=max_concurrency,
        shared_concurrency=shared_concurrency,
        timeout_s=10,
    )
    figures = SharedRun(place, items, latency_s=0.4, patience_s=300, workers=workers).go()
    assert figures.verification.is_clean, figures.verification.findings
    return figures


def drop_all(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
