from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify.database import Database
from kclassify.store import SqlLedger
from kclassify.testing.contracts.ledger import LedgerContract
from kclassify.testing.memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kclassify.ports import Ledger


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def make_ledger(self) -> Callable[[], Ledger]:
        ledger = MemoryLedger()
        return lambda: ledger


class TestSqlLedgerOnSqlite(LedgerContract):
    @pytest.fixture
    def make_ledger(self, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
        made: list[Ledger] = []

        def make() -> Ledger:
            made.append(SqlLedger(Database(f"sqlite:///{tmp_path / 'ledger.db'}", create=True)))
            return made[-1]

        yield make
        for ledger in made:
            ledger.close()


class TestSqlLedgerOnPostgresql(LedgerContract):
    @pytest.fixture
    def make_ledger(self, postgres_url: str) -> Iterator[Callable[[], Ledger]]:
        made: list[Ledger] = []

        def make() -> Ledger:
            made.append(SqlLedger(Database(postgres_url)))
            return made[-1]

        yield make
        for ledger in made:
            ledger.close()
