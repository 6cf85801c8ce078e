from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError

from kclassify.database import Database
from kclassify.errors import ConfigError, DatabaseError, MissingExtra
from tests.tables import database, is_sqlite, postgres_database, rows, run, sqlite_database

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["database", "postgres_database", "sqlite_database"]

SECRET = "s3cr/t&word"
QUOTED = "s3cr%2Ft%26word"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("articles.db", "not a database URL"),
        ("", "not a database URL"),
        (f"postgresql://me:{QUOTED}@host:port/db", "not a database URL"),
        ("mysql://me@host/db", "mysql:// is no database that can be used"),
        ("postgresql+asyncpg://me@host/db", "postgresql+asyncpg://"),
        ("sqlite://", "is a database in memory"),
        ("sqlite:///:memory:", "is a database in memory"),
        ("sqlite:///a.db?mode=ro", "options are not supported"),
        ("sqlite:////nix/a.db", "there is no file /nix/a.db"),
        ("sqlite:////", "/ is a folder"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Database(url)
    assert told in str(caught.value)
    assert QUOTED not in str(caught.value)


def test_a_missing_file_is_created_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(ConfigError, match=r"there is no file .*a\.db"):
        Database(f"sqlite:///{path}")
    with pytest.raises(ConfigError, match="there is no folder"):
        Database(f"sqlite:///{path}/b.db", create=True)
    with closing(Database(f"sqlite:///{path}", create=True)) as made:
        assert rows(made, "SELECT 1") == [(1,)]
    assert path.exists()


def test_a_file_that_vanished_is_not_made_anew(sqlite_database: Database) -> None:
    run(sqlite_database, "CREATE TABLE t (a INTEGER)")
    path = Path(sqlite_database.identity.removeprefix("sqlite:///"))
    with closing(Database(sqlite_database.description)) as other:
        sqlite_database.close()
        path.unlink()
        with pytest.raises(DatabaseError, match="unable to open database file"):
            rows(other, "SELECT 1")
    assert not path.exists()


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a b#c%41é.db"
    url = f"sqlite:///{path}".replace("%", "%25")
    with closing(Database(url, create=True)) as made:
        run(made, "CREATE TABLE t (a INTEGER)")
        assert made.identity == f"sqlite:///{path}"
    assert path.exists()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("not a database " * 100, encoding="utf-8")
    with closing(Database(f"sqlite:///{path}")) as found:
        with pytest.raises(ConfigError) as caught:
            rows(found, "SELECT 1")
        told = "the file is not a SQLite database; name another one"
        assert str(caught.value) == f"sqlite:///{path}: {told}"


def test_a_file_that_another_writes_to_is_used_in_the_mode_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (a INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        with closing(Database(f"sqlite:///{path}")) as found:
            assert rows(found, "SELECT count(*) FROM t") == [(0,)]
            assert rows(found, "PRAGMA journal_mode") == [("delete",)]
            other.execute("COMMIT")
            found.close()
            assert rows(found, "PRAGMA journal_mode") == [("wal",)]


def test_sqlite_is_set_up_for_a_writer_and_readers(sqlite_database: Database) -> None:
    def pragma(name: str) -> object:
        return rows(sqlite_database, f"PRAGMA {name}")[0][0]

    assert pragma("journal_mode") == "wal"
    assert (pragma("synchronous"), pragma("foreign_keys")) == (1, 1)
    assert pragma("busy_timeout") == 10_000


def test_a_write_transaction_holds_the_lock_from_its_start(sqlite_database: Database) -> None:
    run(sqlite_database, "CREATE TABLE t (a INTEGER)")
    path = sqlite_database.identity.removeprefix("sqlite:///")
    with (
        sqlite_database.begin(),
        closing(sqlite3.connect(path, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("INSERT INTO t VALUES (1)")
    with sqlite_database.connect(), closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute("INSERT INTO t VALUES (1)")
        other.commit()


def test_a_transaction_is_committed_on_exit_and_rolled_back_on_error(database: Database) -> None:
    run(database, "CREATE TABLE t (a INTEGER)")
    run(database, "INSERT INTO t VALUES (1)")
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        divide(connection.execute(text("INSERT INTO t VALUES (2)")).rowcount)
    assert rows(database, "SELECT a FROM t") == [(1,)]


def divide(number: int) -> float:
    return number / 0


def test_a_connection_may_be_used_from_another_thread(database: Database) -> None:
    run(database, "CREATE TABLE t (a INTEGER)")
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(rows(database, "SELECT 1")))
    thread.start()
    thread.join()
    assert found == [[(1,)]]


def test_errors_hold_no_statement_and_no_parameter(database: Database) -> None:
    statement = text("SELECT * FROM nix WHERE body = :body")
    with pytest.raises(DatabaseError) as caught, database.connect() as connection:
        connection.execute(statement, {"body": "the text of an item"})
    message = str(caught.value)
    assert message.startswith(f"cannot use {database.description}: ")
    assert "nix" in message
    assert "\n" not in message
    assert not {"SELECT", "the text of an item"} & {w for w in ("SELECT", "item") if w in message}
    assert caught.value.__suppress_context__


def test_an_integrity_error_passes_without_its_parameters(database: Database) -> None:
    run(database, "CREATE TABLE t (a TEXT PRIMARY KEY)", "INSERT INTO t VALUES ('text')")
    with pytest.raises(IntegrityError) as caught, database.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (:a)"), {"a": "text"})
    assert "hidden" in str(caught.value)


def test_an_unreachable_server_is_named_quickly_without_its_password() -> None:
    began = time.monotonic()
    url = f"postgresql://me:{QUOTED}@127.0.0.1:1/db"
    with closing(Database(url)) as found:
        for use in (found.connect, found.begin):
            with pytest.raises(DatabaseError) as caught, use():
                pass
            message = str(caught.value)
            assert message.startswith("cannot use postgresql+psycopg://me:***@127.0.0.1:1/db: ")
            assert "refused" in message
            assert "\n" not in message
            assert SECRET not in message
            assert QUOTED not in message
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{QUOTED}@host/db",
        f"postgres://me@host/db?password={QUOTED}",
        f"postgresql+psycopg://me@host/db?sslmode=require&sslpassword={QUOTED}",
    ],
)
def test_no_text_of_a_database_holds_its_password(url: str) -> None:
    with closing(Database(url)) as found:
        for shown in (found.identity, found.description):
            assert "s3cr" not in shown
            assert "@host" in shown


def test_only_the_echo_of_a_refused_statement_is_kept_from_the_log(
    postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert postgres_database.engine.name == "postgresql"
    for reason in ("pipeline aborted", "the connection is lost"):
        logging.getLogger("psycopg").warning("error ignored terminating %r: %s", "it", reason)
    assert caplog.messages == ["error ignored terminating 'it': the connection is lost"]


def test_a_password_in_a_servers_answer_is_hidden(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky = make_url(postgres_url).set(password="hunter2", database="hunter2")
    with closing(Database(leaky.render_as_string(hide_password=False))) as found:
        with pytest.raises(DatabaseError) as caught, found.connect():
            pass
        assert '"***" does not exist' in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://me@h/db", "postgres://me:pw@h:5432/db", True),
        ("postgresql://me@h/me", "postgresql://me@h", True),
        ("postgresql://me@h/db", "postgresql://me@h:5433/db", False),
        ("postgresql://me@h/db", "postgresql://you@h/db", False),
        ("postgresql://me@h/db", "postgresql://me@h/db?options=-csearch_path%3Dx", False),
    ],
)
def test_the_identity_is_the_same_for_the_same_database(one: str, other: str, same: bool) -> None:
    assert (Database(one).identity == Database(other).identity) is same


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ("1", "10", "30000")),
        ({"keepalives_idle": "7", "tcp_user_timeout": "9"}, ("1", "7", "9")),
    ],
)
def test_a_server_that_went_silent_is_noticed_unless_the_url_says_otherwise(
    postgres_url: str, given: dict[str, str], told: tuple[str, ...]
) -> None:
    url = make_url(postgres_url).update_query_dict(given).render_as_string(hide_password=False)
    with closing(Database(url)) as found, found.connect() as connection:
        driver: Any = connection.connection.driver_connection
        in_use = driver.info.get_parameters()
    names = ("keepalives", "keepalives_idle", "tcp_user_timeout")
    assert tuple(in_use.get(name, "1") for name in names) == told
    assert (in_use["keepalives_interval"], in_use["keepalives_count"]) == ("5", "4")


def test_a_relative_path_and_a_link_are_the_same_file(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sqlite_database, "CREATE TABLE t (a INTEGER)")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.db").symlink_to(tmp_path / "articles.db")
    for name in ("articles.db", "link.db"):
        assert Database(f"sqlite:///{name}").identity == sqlite_database.identity


def test_a_driver_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kclassify\[postgres\]'"):
        Database("postgresql://me@host/db")


def test_a_read_only_file_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    path = tmp_path / "plain.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE t (a INTEGER)")
    original: Callable[..., sqlite3.Connection] = sqlite3.connect

    def without_rights(address: str, **options: object) -> sqlite3.Connection:
        return original(address.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr(sqlite3, "connect", without_rights)
    with closing(Database(f"sqlite:///{path}")) as found:
        assert is_sqlite(found)
        assert rows(found, "SELECT count(*) FROM t") == [(0,)]
