from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import Table
from sqlmodel import SQLModel

from kclassify.store.tables import ledger_metadata


def test_the_tables_stay_out_of_the_hosts_metadata() -> None:
    assert not [name for name in SQLModel.metadata.tables if name.startswith("kclassify")]
    assert len(ledger_metadata.tables) == 14


def test_a_host_may_create_all_of_its_own_tables_after_importing_the_ledger() -> None:
    program = (
        "import kclassify.store\n"
        "from sqlmodel import Field, SQLModel\n"
        "class Mine(SQLModel, table=True):\n"
        "    id: int = Field(primary_key=True)\n"
        "print(*SQLModel.metadata.tables)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert printed.split() == ["mine"]


@pytest.mark.parametrize("table", ledger_metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_is_named_as_ours_and_holds_no_text_of_items(table: Table) -> None:
    assert table.name.startswith("kclassify_")
    assert not {"title", "body", "text", "content"} & set(table.c.keys())
