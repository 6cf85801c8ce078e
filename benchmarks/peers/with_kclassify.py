"""kclassify: the whole runner, with ledger, compare-and-set writes and audit in SQLite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import KEY, LABELS, MAX_TOKENS, MODEL, Task
from kclassify import (
    Category,
    Classifier,
    ColumnWriter,
    Database,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
    Taxonomy,
)

_CREATE = "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)"
_INSERT = "INSERT INTO articles VALUES (:id, :body, 'unsorted')"


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    url = f"sqlite:///{task.folder}/articles.db"
    _fill(url, task.texts)
    database = Database(url)

    async def answer() -> Labels:
        async with _classifier(task) as classifier:
            runner = ReclassifyRunner(
                source=SqlSource(database, "articles", key="id", body="body", current="category"),
                classifier=classifier,
                ledger=SqlLedger(database),
                writer=ColumnWriter(database, "articles", key="id", current="category"),
                settings=RunnerSettings(max_concurrency=task.concurrency, min_confidence=0),
            )
            await runner.commit(override="a benchmark")
        return _labels(url)

    return answer


def _classifier(task: Task) -> Classifier[str]:
    active = [Category(name=name, definition=text) for name, text in LABELS.items()]
    taxonomy = Taxonomy[str]("peers", (*active, Category(name="unsorted", retired=True)))
    return Classifier(
        taxonomy,
        model=f"anthropic/{MODEL}",
        max_tokens=MAX_TOKENS,
        api_key=KEY,
        base_url=task.base_url,
        max_connections=task.concurrency,
    )


def _fill(url: str, texts: dict[int, str]) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(_CREATE)
        rows = [{"id": key, "body": text} for key, text in texts.items()]
        connection.execute(sqlalchemy.text(_INSERT), rows)
    engine.dispose()


def _labels(url: str) -> Labels:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, category FROM articles").all()
    engine.dispose()
    return {key: label for key, label in rows if label in LABELS}


if __name__ == "__main__":
    carry_out(prepare)
