"""A PostgreSQL that cannot be reached any more in mid-run, through a proxy that can be shut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import make_url

from kclassify import (
    ColumnWriter,
    Database,
    Done,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    SqlSource,
)
from kclassify.errors import DatabaseError
from kclassify.events import CallEnded, Event
from kclassify.testing.scripted import ScriptedClassifier
from tests.small import TAXONOMY
from tests.tables import insert, run

ROWS = 300


class Proxy:
    """Passes bytes on to a server, until it is shut: then every connection breaks."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._is_open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set_open(self, is_open: bool) -> None:
        self._is_open = is_open
        while self._open and not is_open:
            self._close(self._open.pop())

    def stop(self) -> None:
        self.set_open(False)
        self._close(self._listener)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_open:
                    self._join(client)
                else:
                    self._close(client)

    def _join(self, client: socket.socket) -> None:
        server = socket.create_connection(self._target)
        self._open += [client, server]
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        self._close(one)
        self._close(other)

    def _close(self, one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    url = make_url(postgres_url)
    proxy = Proxy(url.host or "127.0.0.1", url.port or 5432)
    yield proxy
    proxy.stop()


async def test_a_lost_database_is_named_and_the_run_goes_on_later(
    postgres_url: str, proxy: Proxy
) -> None:
    direct = Database(postgres_url)
    run(direct, "CREATE TABLE articles (id INTEGER PRIMARY KEY, body TEXT, category TEXT)")
    insert(direct, [{"id": n, "body": f"article {n}.", "category": "old"} for n in range(ROWS)])
    through = make_url(postgres_url).set(port=proxy.port, password="hunter2")
    database = Database(through.render_as_string(hide_password=False))
    classifier = ScriptedClassifier(TAXONOMY, lambda _: "left")
    cuts: list[int] = []

    def cut(event: Event) -> None:
        if isinstance(event, CallEnded) and len(classifier.asked) >= ROWS // 2 and not cuts:
            cuts.append(len(classifier.asked))
            proxy.set_open(False)

    def runner() -> ReclassifyRunner:
        return ReclassifyRunner(
            source=SqlSource(database, "articles", key="id", body="body", current="category"),
            classifier=classifier,
            ledger=SqlLedger(database),
            writer=ColumnWriter(database, "articles", key="id", current="category"),
            settings=RunnerSettings(max_concurrency=4, checkpoint_s=0.01),
            listeners=[cut],
        )

    with pytest.raises(DatabaseError) as told:
        await runner().commit(override="test")
    assert str(proxy.port) in str(told.value)
    assert "hunter2" not in str(told.value)
    proxy.set_open(True)
    assert await runner().commit(override="test") == Done()
    with direct.connect() as connection:
        query = connection.exec_driver_sql
        assert query("SELECT DISTINCT category FROM articles").scalars().all() == ["left"]
        assert query("SELECT count(*) FROM kclassify_outcome").scalar() == ROWS
        assert query("SELECT count(DISTINCT item_key) FROM kclassify_outcome").scalar() == ROWS
    assert len(classifier.asked) <= ROWS + 4
    direct.close()
    database.close()
