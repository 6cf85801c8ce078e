"""A worker that ends before and after every call of its classifier, its ledger and its writer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from kclassify import (
    ColumnWriter,
    Database,
    Decision,
    Done,
    Item,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    verify,
)
from kclassify.testing import ScriptedClassifier
from tests.small import TAXONOMY
from tests.tables import insert, rows, run

ITEMS = 6
CONCURRENCY = 2
LEDGER = ("open", "recall", "record", "settle_intents", "checkpoint", "close_step")


class Died(BaseException):
    """No handler of errors gets to see it."""


@dataclass
class Death:
    """Comes at call number `at`, counted twice each: before it has an effect, and after."""

    at: int | None
    passed: int = 0

    def pass_by(self) -> None:
        self.passed += 1
        if self.passed - 1 == self.at:
            raise Died

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a moment to die before and one after."""

        def mortal(*given: Any, **named: Any) -> Any:
            self.pass_by()
            answer = function(*given, **named)
            self.pass_by()
            return answer

        return mortal


async def commit(table: Database, ledger: Database, asked: list[Item], at: int | None) -> Decision:
    """A worker that dies there, with a ledger that takes the lease of any other at once."""
    death = Death(at)
    store: Any = SqlLedger(ledger, is_alive=lambda _: False)
    writer: Any = ColumnWriter(table, "articles", key="id", current="category")
    for part, names in ((store, LEDGER), (writer, ("check", "apply", "finish"))):
        for name in names:
            setattr(part, name, death.around(getattr(part, name)))

    def answer(item: Item) -> str:
        death.pass_by()
        asked.append(item)
        return "left"

    runner = ReclassifyRunner(
        source=SqlSource(table, "articles", key="id", body="body", current="category"),
        classifier=ScriptedClassifier(TAXONOMY, answer),
        ledger=store,
        writer=writer,
        name="mortal",
        settings=RunnerSettings(max_concurrency=CONCURRENCY, checkpoint_items=3),
    )
    return await runner.commit(override="a death")


def survives(folder: Path, at: int, *, apart: bool, backend: str) -> bool:
    """Whether the first worker did; the second is done, and every promise is kept."""
    folder.mkdir()
    with (
        closing(Database(f"sqlite:///{folder}/articles.db", create=True)) as table,
        closing(Database(f"sqlite:///{folder}/ledger.db", create=True)) as other,
    ):
        run(table, "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)")
        insert(table, [{"id": n, "body": f"item {n}.", "category": "old"} for n in range(ITEMS)])
        ledger = other if apart else table
        asked: list[Item] = []
        lived = True
        try:
            anyio.run(commit, table, ledger, asked, at, backend=backend)
        except* Died:
            lived = False
        assert anyio.run(commit, table, ledger, asked, None, backend=backend) == Done(), at
        assert rows(table, "SELECT DISTINCT category FROM articles") == [("left",)]
        assert len(asked) <= ITEMS + CONCURRENCY
        source = SqlSource(table, "articles", key="id", body="body", current="category")
        found = verify(ledger, "mortal", source=source, taxonomy=TAXONOMY, alone=True)
        assert found.is_clean, (at, found.findings)
        return lived


@pytest.mark.parametrize("apart", [False, True])
def test_a_death_at_any_call_loses_nothing(tmp_path: Path, apart: bool) -> None:
    at = 0
    while not survives(tmp_path / str(at), at, apart=apart, backend=("asyncio", "trio")[at % 2]):
        at += 1
    assert at > 2 * ITEMS
