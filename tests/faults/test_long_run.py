"""A run through ten outages of every kind with kill -9 between and within them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crash.test_kill import fill
from tests.faults.long_run import Figures, LongRun, write
from tests.faults.long_run_worker import CONCURRENCY


def carried_out(run: LongRun) -> Figures:
    engine = sa.create_engine(run.url)
    fill(engine, run.items)
    figures = run.go()
    with engine.connect() as connection:
        updates = connection.exec_driver_sql("SELECT count(*), count(DISTINCT id) FROM updates")
        seen, rows = updates.one()
    engine.dispose()
    print(f"\n{figures.row()}\n{figures.verification}")
    assert seen == rows, "the trigger saw a row written twice"
    assert figures.verification.is_clean, figures.verification.findings
    assert figures.verification.items == run.items
    assert (figures.verification.lost, figures.verification.written_twice) == (0, 0)
    assert figures.kills == figures.outages == 10
    assert figures.paid_twice <= figures.kills * CONCURRENCY
    assert figures.cut_off <= figures.kills * CONCURRENCY
    return figures


@pytest.mark.slow
def test_a_run_survives_ten_outages_and_ten_kills(tmp_path: Path) -> None:
    run = LongRun(
        f"sqlite:///{tmp_path / 'articles.db'}",
        items=1_000,
        outage_s=0.8,
        latency_s=0.01,
        patience_s=60,
    )
    figures = carried_out(run)
    assert figures.calls < 2 * run.items


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]
)
def test_twenty_thousand_items_survive_ten_outages_and_ten_kills(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'articles.db'}"
    if database == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    figures = carried_out(LongRun(url, items=20_000, outage_s=12, latency_s=0.05, patience_s=900))
    assert figures.into_outages < figures.items / 20
    if request.config.getoption("--write-matrix", default=False):
        write(figures)
