from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kclassify.testing import Rule, StubMessagesAPI
from tests.cli.listed_jobs import WORKER, Listed
from tests.cli.place import Place, rule


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "KCLASSIFY_")):
            monkeypatch.delenv(name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """On SQLite."""
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, f"sqlite:///{tmp_path}/articles.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """On SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        place: Place = request.getfixturevalue("place")
        return place
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, request.getfixturevalue("postgres_url"))


@pytest.fixture
def listed(place: Place, importable: None) -> Listed:
    """A job system of the place on SQLite, in its module `worker`."""
    del importable
    place.write("worker.py", WORKER)
    return Listed(place)


@pytest.fixture
def any_listed(any_place: Place, importable: None) -> Listed:
    """The same, also on PostgreSQL."""
    del importable
    any_place.write("worker.py", WORKER)
    return Listed(any_place)


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules of a test's own folder can be imported, and are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in [each for each in set(sys.modules) - before if each.startswith("worker")]:
        del sys.modules[name]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubMessagesAPI]:
    """A Messages API that the environment points to."""
    with StubMessagesAPI(Rule(rule)) as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        yield running
