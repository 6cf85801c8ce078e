"""The last page of two million rows beside the first, and beside the same page by OFFSET."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
import sqlalchemy as sa

from kclassify import Database, SqlSource
from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.test_division import fill

ROWS, PAGE = 2_000_000, 500


def seconds_of_offset(database: Database) -> float:
    table = sa.table("articles", sa.column("id"), sa.column("body"), sa.column("category"))
    page = sa.select(table).order_by(table.c.id).limit(PAGE).offset(ROWS - PAGE)
    began = time.perf_counter()
    with database.connect() as connection:
        assert len(connection.execute(page).all()) == PAGE
    return time.perf_counter() - began


@pytest.mark.timeout(1800)
def test_the_last_page_of_two_million_rows_costs_what_the_first_costs(
    database: Database, alternate: Alternate, record: Record
) -> None:
    source = SqlSource(database, "articles", key="id", body="body", current="category")

    def seconds_after(key: int) -> float:
        began = time.perf_counter()
        assert [item.key for item in source.page(key, PAGE)][-1] == key + PAGE
        return time.perf_counter() - began

    with closing(database):
        fill(database, "integer", ROWS)
        for key in (0, ROWS - PAGE):
            seconds_after(key)
        last, first = alternate(lambda: seconds_after(ROWS - PAGE), lambda: seconds_after(0), 51)
        offset = seconds_of_offset(database)
    subject = f"the last page of two million rows, {database.engine.dialect.name}"
    record(
        Ratio(
            group="reads",
            subject=subject,
            reference="the first page",
            ratio=last / first,
            at_most=1.2,
            detail=f"{last * 1000:.1f} and {first * 1000:.1f} ms",
        )
    )
    record(
        Ratio(
            group="reads",
            subject=subject,
            reference="the same page by OFFSET",
            ratio=last / offset,
            at_most=1,
            detail=f"{offset * 1000:.0f} ms by OFFSET",
        )
    )
