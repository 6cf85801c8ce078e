"""The shipped corpus, and the folder that the demo works in."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import Column, MetaData, Table, Text, select

from kclassify.config.table import url_beside
from kclassify.database import Database
from kclassify.errors import UsageError

TABLE = Table(
    "articles",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("title", Text),
    Column("body", Text),
    Column("category", Text),
)


_DATABASE = "sqlite:///articles.db"
_SETTINGS = """\
[run]
name = "demo"

[source]
url = "sqlite:///articles.db"
table = "articles"
key = "id"
title = "title"
body = "body"
current = "category"

[taxonomy]
file = "taxonomy.toml"

[classifier]
model = "local"
examples = "examples.jsonl"
artifact = "local.model"

[runner]
min_confidence = {min_confidence}

[gate]
record = "evals/gate.json"
"""


class Article(BaseModel):
    """An article with the label it carries and the one it should carry."""

    id: str
    title: str
    body: str
    current: str | None
    gold: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """One part to learn from, one to relabel. Both hold each category alike."""

    learned: tuple[Article, ...]
    relabelled: tuple[Article, ...]
    taxonomy: str


def shipped_corpus() -> Corpus:
    """The corpus of the wheel, or of the checkout. Raises `UsageError` when there is neither."""
    folder = _folder()
    lines = folder.joinpath("articles.jsonl").read_text(encoding="utf-8").split("\n")
    articles = [Article.model_validate_json(line) for line in lines if line.strip()]
    by_category: defaultdict[str, list[Article]] = defaultdict(list)
    for article in articles:
        by_category[article.gold].append(article)
    places = {a.id: place for group in by_category.values() for place, a in enumerate(group)}
    return Corpus(
        learned=tuple(a for a in articles if _is_example(places[a.id])),
        relabelled=tuple(a for a in articles if not _is_example(places[a.id])),
        taxonomy=folder.joinpath("taxonomy.toml").read_text(encoding="utf-8"),
    )


def _is_example(place: int) -> bool:
    """Three of five articles of a category are."""
    return place % 5 < 3  # noqa: PLR2004


def _folder() -> Traversable:
    packaged = files("kclassify").joinpath("_corpus")
    checkout = Path(__file__).parents[3] / "evals" / "samples"
    found: Traversable = packaged if packaged.is_dir() else checkout
    if not found.is_dir():
        raise UsageError("the shipped corpus is missing from this installation: install it again")
    return found


def write_place(folder: Path, corpus: Corpus, min_confidence: float) -> Path:
    """Write database, taxonomy, examples and settings; the path of the settings.

    Raises `UsageError` when the folder holds a demo already.
    """
    settings = folder / "kclassify.toml"
    if settings.exists():
        raise UsageError(f"{settings} is there already: name another folder with --keep")
    folder.mkdir(parents=True, exist_ok=True)
    _write_table(folder, corpus.relabelled)
    examples = [{"title": a.title, "body": a.body, "gold": a.gold} for a in corpus.learned]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in examples)
    (folder / "examples.jsonl").write_text(lines, encoding="utf-8")
    (folder / "taxonomy.toml").write_text(corpus.taxonomy, encoding="utf-8")
    text = _SETTINGS.format(min_confidence=min_confidence)
    settings.write_text(text, encoding="utf-8")
    return settings


def _write_table(folder: Path, articles: Sequence[Article]) -> None:
    database = Database(url_beside(folder, _DATABASE), create=True)
    rows = [{"id": a.id, "title": a.title, "body": a.body, "category": a.current} for a in articles]
    with database.begin() as connection:
        TABLE.create(connection)
        connection.execute(TABLE.insert(), rows)
    database.close()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The table at one moment: its labels by key, and a digest of every row."""

    labels: dict[str, str | None]
    digest: str


def snapshot(folder: Path) -> Snapshot:
    """The table as it is now."""
    database = Database(url_beside(folder, _DATABASE))
    with database.connect() as connection:
        rows = [tuple(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.id))]
    database.close()
    content = json.dumps(rows, ensure_ascii=False).encode()
    return Snapshot({row[0]: row[3] for row in rows}, hashlib.sha256(content).hexdigest())
