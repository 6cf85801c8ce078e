from __future__ import annotations

import csv
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.sources import SqlSource, open_source
from tests.tables import (
    database,
    insert,
    postgres_database,
    run,
    sqlite_database,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kclassify.ports import Source

__all__ = ["database", "postgres_database", "sqlite_database"]

KINDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.services),
    pytest.param("jsonl", id="jsonl"),
    pytest.param("csv", id="csv"),
]
FIELDS = ("id", "title", "body", "category")


@pytest.fixture(params=KINDS)
def make_source(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[list[dict[str, Any]]], Source]]:
    """A source of every kind, over rows with a text key, in the order of their keys."""
    made: list[Source] = []

    def make(given: list[dict[str, Any]]) -> Source:
        made.append(_make(request, tmp_path, given))
        return made[-1]

    yield make
    for source in made:
        source.close()


def _make(request: pytest.FixtureRequest, folder: Path, given: list[dict[str, Any]]) -> Source:
    if request.param in {"sqlite", "postgresql"}:
        name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
        made = request.getfixturevalue(name)
        columns = "id TEXT PRIMARY KEY, title TEXT, body TEXT, category TEXT"
        run(made, f"CREATE TABLE articles ({columns})")
        insert(made, given)
        return SqlSource(made, "articles", key="id", title="title", body="body", current="category")
    path = folder / f"articles.{request.param}"
    with closing(path.open("w", encoding="utf-8", newline="")) as file:
        if request.param == "jsonl":
            file.writelines(json.dumps(row) + "\n" for row in given)
        else:
            writer: csv.DictWriter[str] = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(given)
    return open_source(path, current="category")
