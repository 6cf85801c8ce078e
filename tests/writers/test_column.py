"""Labels in a column: compare-and-set, redo, and rollback to the byte."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from kclassify.core.policy import Change
from kclassify.errors import WriterError
from kclassify.ports import Receipt, Write, WriteResult
from kclassify.writers import ColumnWriter, ExtraColumns
from tests.tables import insert, rows, run

if TYPE_CHECKING:
    from kclassify.core.item import Key
    from kclassify.database import Database

WRITTEN, CONFLICT = WriteResult.WRITTEN, WriteResult.CONFLICT


def write(
    key: Key, before: str | None, after: str, *, redo: bool = False, confidence: float = 0.9
) -> Write:
    return Write(Change(key, before, after, confidence), f"w-{key}-{after}", redo=redo)


def make(database: Database, labels: dict[Any, str | None], key: str = "INTEGER") -> ColumnWriter:
    run(database, f"CREATE TABLE articles (id {key} PRIMARY KEY, body TEXT, category TEXT)")
    given = [{"id": k, "body": "text", "category": label} for k, label in labels.items()]
    insert(database, given)
    return ColumnWriter(database, "articles", key="id", current="category")


def labels(database: Database) -> dict[Any, str | None]:
    return dict(rows(database, "SELECT id, category FROM articles ORDER BY id"))


def results(receipts: Any) -> list[WriteResult]:
    return [receipt.result for receipt in receipts]


def test_a_redone_write_changes_nothing_the_second_time(database: Database) -> None:
    writer = make(database, {1: "old"})
    run(database, "CREATE TABLE touched (id INTEGER)")
    if database.engine.dialect.name == "sqlite":
        body = "BEGIN INSERT INTO touched VALUES (new.id); END"
        run(database, f"CREATE TRIGGER t AFTER UPDATE ON articles FOR EACH ROW {body}")
    else:
        body = "BEGIN INSERT INTO touched VALUES (new.id); RETURN new; END"
        run(
            database,
            f"CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER t AFTER UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION touch()",
        )
    for _ in range(2):
        assert results(writer.apply([write(1, "old", "new", redo=True)], None)) == [WRITTEN]
    assert rows(database, "SELECT * FROM touched") == [(1,)]


def test_text_keys_with_quotes_and_signs(database: Database) -> None:
    keys = ["a'b", "%s", ":x", "Ä", "", "\\"]
    writer = make(database, dict.fromkeys(keys, "old"), "TEXT")
    assert results(writer.apply([write(k, "old", "new") for k in keys], None)) == [WRITTEN] * 6
    assert set(labels(database).values()) == {"new"}


@pytest.mark.parametrize(
    ("declared", "key"), [("UUID", UUID(int=7)), ("CHAR(5)", "a    "), ("VARCHAR", "a")]
)
def test_keys_of_postgresql(postgres_database: Database, declared: str, key: Key) -> None:
    writer = make(postgres_database, {key: "old"}, declared)
    assert results(writer.apply([write(key, "old", "new")], None)) == [WRITTEN]
    assert labels(postgres_database) == {key: "new"}


def test_the_label_may_be_an_enum(postgres_database: Database) -> None:
    run(
        postgres_database,
        "CREATE TYPE category AS ENUM ('old', 'new')",
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, category category)",
        "INSERT INTO articles VALUES (1, 'old'), (2, NULL)",
    )
    writer = ColumnWriter(postgres_database, "articles", key="id", current="category")
    writer.check()
    writes = [write(1, "old", "new"), write(2, None, "new")]
    assert results(writer.apply(writes, None)) == [WRITTEN, WRITTEN]
    assert labels(postgres_database) == {1: "new", 2: "new"}
    assert results(writer.revert(writes, None)) == [WRITTEN, WRITTEN]
    assert labels(postgres_database) == {1: "old", 2: None}
    with pytest.raises(WriterError, match="refuses a label among 'nix': invalid input value"):
        writer.apply([write(1, "old", "nix")], None)


def test_a_label_that_the_table_refuses_is_named(database: Database) -> None:
    rule = "CHECK (category IN ('old', 'new'))"
    run(database, f"CREATE TABLE articles (id INTEGER PRIMARY KEY, category TEXT {rule})")
    insert(database, [{"id": 1, "category": "old"}, {"id": 2, "category": "old"}])
    writer = ColumnWriter(database, "articles", key="id", current="category")
    with pytest.raises(WriterError, match="articles refuses a label among 'new', 'nix'"):
        writer.apply([write(1, "old", "new"), write(2, "old", "nix")], None)
    assert labels(database) == {1: "old", 2: "old"}


def test_a_label_that_is_refused_at_the_commit_is_told_without_the_row(database: Database) -> None:
    rule = "REFERENCES categories DEFERRABLE INITIALLY DEFERRED"
    run(
        database,
        "CREATE TABLE categories (name TEXT PRIMARY KEY)",
        "INSERT INTO categories VALUES ('old')",
        f"CREATE TABLE articles (id INTEGER PRIMARY KEY, category TEXT {rule})",
        "INSERT INTO articles VALUES (1, 'old')",
    )
    writer = ColumnWriter(database, "articles", key="id", current="category")
    with pytest.raises(WriterError, match="refuses what was written: ") as caught:
        writer.apply([write(1, "old", "nix")], None)
    assert "nix" not in str(caught.value)
    assert labels(database) == {1: "old"}


def test_a_row_that_a_trigger_keeps_is_a_conflict(database: Database) -> None:
    writer = make(database, {1: "old", 2: "old"})
    if database.engine.dialect.name == "sqlite":
        body = "WHEN new.id = 1 BEGIN SELECT RAISE(IGNORE); END"
        run(database, f"CREATE TRIGGER t BEFORE UPDATE ON articles FOR EACH ROW {body}")
    else:
        body = "BEGIN RETURN CASE WHEN new.id = 1 THEN NULL ELSE new END; END"
        run(
            database,
            f"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER t BEFORE UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION keep()",
        )
    writes = [write(1, "old", "new"), write(2, "old", "new")]
    assert list(writer.apply(writes, None)) == [Receipt(CONFLICT), Receipt(WRITTEN)]
    assert labels(database) == {1: "old", 2: "new"}


def test_a_row_that_comes_while_another_is_kept_is_a_conflict(database: Database) -> None:
    writer = make(database, {1: "old"})
    come = "INSERT INTO articles (id, category) VALUES (2, 'old')"
    if database.engine.dialect.name == "sqlite":
        body = f"BEGIN {come}; SELECT RAISE(IGNORE); END"
        run(database, f"CREATE TRIGGER t BEFORE UPDATE ON articles FOR EACH ROW {body}")
    else:
        run(
            database,
            "CREATE FUNCTION come() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {come}; RETURN NULL; END $$",
            "CREATE TRIGGER t BEFORE UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION come()",
        )
    writes = [write(1, "old", "new"), write(2, "old", "new")]
    assert list(writer.apply(writes, None)) == [Receipt(CONFLICT), Receipt(CONFLICT)]
    assert labels(database) == {1: "old", 2: "old"}


def test_a_label_that_an_earlier_write_of_the_batch_moved_is_a_conflict(
    database: Database,
) -> None:
    writer = make(database, {1: "old", 2: "old"})
    move = "UPDATE articles SET category = 'moved' WHERE id = 2"
    if database.engine.dialect.name == "sqlite":
        body = f"WHEN new.id = 1 BEGIN {move}; END"
        run(database, f"CREATE TRIGGER t AFTER UPDATE ON articles FOR EACH ROW {body}")
    else:
        body = f"BEGIN IF new.id = 1 THEN {move}; END IF; RETURN new; END"
        run(
            database,
            f"CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER t AFTER UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION move()",
        )
    writes = [write(1, "old", "new"), write(2, "old", "new")]
    assert results(writer.apply(writes, None)) == [WRITTEN, CONFLICT]
    assert labels(database) == {1: "new", 2: "moved"}


def test_a_label_that_changes_while_the_writer_waits_is_a_conflict(
    postgres_database: Database,
) -> None:
    writer = make(postgres_database, {1: "old"})
    meanwhile = "UPDATE articles SET category = 'moved'"
    assert apply_during(postgres_database, meanwhile, writer) == [CONFLICT]
    assert labels(postgres_database) == {1: "moved"}


def test_metadata_that_changes_while_the_writer_waits_is_kept(
    postgres_database: Database,
) -> None:
    make(postgres_database, {1: "old"})
    run(postgres_database, "ALTER TABLE articles ADD COLUMN meta JSONB")
    extra = ExtraColumns(metadata="meta")
    writer = ColumnWriter(postgres_database, "articles", key="id", current="category", extra=extra)
    meanwhile = """UPDATE articles SET meta = '{"x": 1}'"""
    assert apply_during(postgres_database, meanwhile, writer) == [WRITTEN]
    assert rows(postgres_database, "SELECT meta FROM articles")[0][0]["x"] == 1


def apply_during(database: Database, statement: str, writer: ColumnWriter) -> list[WriteResult]:
    """What the writer says of row 1 when the statement commits after it began to wait."""
    found: list[WriteResult] = []
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    thread = threading.Thread(
        target=lambda: found.extend(results(writer.apply([write(1, "old", "new")], None)))
    )
    with database.begin() as connection:
        connection.exec_driver_sql(statement)
        thread.start()
        while rows(database, waiting) == [(0,)]:
            assert thread.is_alive()
    thread.join()
    return found


def test_a_writer_tells_which_database_it_writes(database: Database) -> None:
    writer = ColumnWriter(database, "articles", key="id", current="category")
    assert writer.database == database.identity
