"""A folder to work in: a table or a file of articles, a taxonomy, settings, and the command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer.main
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select

from kclassify.cli import main

TAXONOMY = """
name = "topics"

[[category]]
name = "playbook"
definition = "steps to carry out"

[[category]]
name = "pattern"
definition = "a shape of a solution"

[[category]]
name = "convention"
retired = true
"""
SETTINGS = """
[run]
name = "articles"

[source]
url = "{url}"
table = "articles"
current = "category"

[runner]
max_concurrency = 4
snooze_seconds = 1
"""

ARTICLES = Table(
    "articles",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", String),
    Column("body", String),
    Column("category", String),
)

# Typer reads the signatures of all commands for each that is run, and a process runs hundreds here.
built = cache(typer.main.get_command)

Rows = list[tuple[int, str, str | None]]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)


def rule(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
    """What the stub says: the text names its category; a doubtful text gets a low confidence."""
    label = "playbook" if "playbook" in text else "pattern"
    return label, 0.4 if "doubtful" in text else 0.9


def rows(count: int, current: str | None = "convention") -> Rows:
    """Articles of both categories in turn."""
    words = ("playbook", "pattern")
    return [(i, f"article {i} is a {words[i % 2]}", current) for i in range(1, count + 1)]


@dataclass(frozen=True)
class Place:
    """The folder, which is the working folder, and the database in it or elsewhere."""

    folder: Path
    url: str

    def settle(self, articles: Rows, settings: str = "", taxonomy: str = TAXONOMY) -> None:
        """Write the table, `taxonomy.toml` and `kclassify.toml`."""
        self.write("taxonomy.toml", taxonomy)
        self.write("kclassify.toml", SETTINGS.format(url=self.url) + settings)
        engine = create_engine(self.url)
        with engine.begin() as connection:
            ARTICLES.create(connection)
            values = [{"id": i, "body": body, "category": label} for i, body, label in articles]
            if values:
                connection.execute(ARTICLES.insert(), values)
        engine.dispose()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def labels(self) -> dict[int, str | None]:
        """The labels in the table now, by key."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            query = select(ARTICLES.c.id, ARTICLES.c.category)
            found = {row.id: row.category for row in connection.execute(query)}
        engine.dispose()
        return found

    def column(self, name: str) -> list[object]:
        """One column of the table now, in the order of the keys."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            query = select(ARTICLES.c[name]).order_by(ARTICLES.c.id)
            found: list[object] = list(connection.scalars(query))
        engine.dispose()
        return found

    def relabel(self, key: int, label: str) -> None:
        """Change a row behind the back of the run."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(ARTICLES.update().where(ARTICLES.c.id == key).values(category=label))
        engine.dispose()

    def run(self, *arguments: str) -> Ended:
        """The command in this process, from its arguments to its exit status."""
        out, err = io.StringIO(), io.StringIO()
        status = 0
        with (
            patch.object(sys, "argv", ["kclassify", *arguments]),
            patch.object(typer.main, "get_command", built),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0
        return Ended(status, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "kclassify", *arguments],
            cwd=self.folder,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
