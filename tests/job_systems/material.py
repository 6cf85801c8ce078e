"""What a world is made of: a table that notes each write, and the settings of a run over it."""

from __future__ import annotations

from pathlib import Path

from kclassify import Database
from tests.tables import insert, run

ITEMS = 80
CONCURRENCY = 4
RUN = "matrix"
NEW = "left"
BATCHES_AT_ONCE = 2

_STATEMENTS = (
    "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)",
    "CREATE TABLE writes (id INTEGER, category TEXT)",
    (
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO writes VALUES (new.id, new.category); RETURN new; END $$"
    ),
    (
        "CREATE TRIGGER noted AFTER UPDATE OF category ON articles "
        "FOR EACH ROW EXECUTE FUNCTION note()"
    ),
)
_SETTINGS = """
[source]
url = "{url}"
table = "articles"
current = "category"
[classifier]
timeout_s = 2
[runner]
max_concurrency = {concurrency}
snooze_seconds = 1
lease_s = 5
checkpoint_s = 0.2
"""
_IN_BATCHES = """
[batch]
requests = 20
in_flight = {in_flight}
poll_s = 1
"""
_TAXONOMY = """
name = "small"
category = [
    {name = "left", definition = "goes left"},
    {name = "right", definition = "goes right"},
    {name = "old", retired = true},
]
"""


def fill(database: Database) -> None:
    """`ITEMS` rows on the old label. Nothing in the log of writes would refuse a double one."""
    run(database, *_STATEMENTS)
    values = [{"id": n, "body": f"article {n}.", "category": "old"} for n in range(ITEMS)]
    insert(database, values)


def write_settings(folder: Path, url: str) -> None:
    """kclassify.toml and taxonomy.toml, with times as short as a test."""
    settings = _SETTINGS.format(url=url, concurrency=CONCURRENCY)
    (folder / "kclassify.toml").write_text(settings, encoding="utf-8")
    _write_taxonomy(folder)


def ask_in_batches(folder: Path) -> None:
    """The same settings, with batches that hold a quarter of the rows each."""
    path = folder / "kclassify.toml"
    direct = path.read_text(encoding="utf-8")
    batched = direct.replace("[classifier]", '[classifier]\ntransport = "batch"')
    path.write_text(batched + _IN_BATCHES.format(in_flight=BATCHES_AT_ONCE), encoding="utf-8")


def _write_taxonomy(folder: Path) -> None:
    (folder / "taxonomy.toml").write_text(_TAXONOMY, encoding="utf-8")
