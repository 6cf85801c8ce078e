"""A PostgreSQL server of a test's own, which may be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

ROLE = "worker"
"""The role that the run connects as: no superuser, so that its number of connections is limited."""

_ADMIN = "postgres"
_FAST = "-c fsync=off -c shared_buffers=16MB -c max_connections=20"


class NoServer(Exception):
    """There is no PostgreSQL to start here."""


@dataclass
class OwnPostgres:
    """Its data is in `folder`; it listens on 127.0.0.1 only."""

    folder: Path
    programs: Path
    user: str | None
    port: int

    @property
    def url(self) -> str:
        """The database as the run reaches it."""
        return f"postgresql+psycopg://{ROLE}@127.0.0.1:{self.port}/{_ADMIN}"

    def start(self) -> None:
        """Return when it can be connected to."""
        where = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "--wait", "--timeout", "30", "-l", log, "-o", f"{where} {_FAST}"
        )

    def stop(self) -> None:
        """Kill it: connections break, nothing is finished, the next start recovers."""
        self._run("pg_ctl", "stop", "--wait", "--timeout=30", "--mode", "immediate")

    def administer(self, *statements: str) -> None:
        """As the superuser, each statement in a transaction of its own."""
        with self.administrator() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    @contextmanager
    def administrator(self) -> Generator[sa.Connection]:
        """A connection of the superuser."""
        url = f"postgresql+psycopg://{_ADMIN}@127.0.0.1:{self.port}/{_ADMIN}"
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            yield connection

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(
            command,
            check=True,
            timeout=60,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
            group=self.user,
        )


@contextmanager
def own_postgres() -> Generator[OwnPostgres]:
    """A server that is running, with nothing in it. Raises `NoServer` where there is none."""
    folder = Path(tempfile.mkdtemp(prefix="kclassify-postgres-"))
    server = OwnPostgres(folder, _programs(), _unprivileged(folder), _free_port())
    try:
        server._run("initdb", "--auth", "trust", "--username", _ADMIN, "--no-sync")
        server.start()
        server.administer(f"CREATE ROLE {ROLE} LOGIN", f"GRANT CREATE ON SCHEMA public TO {ROLE}")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise NoServer("no initdb in /usr/lib/postgresql/*/bin, and none on the PATH")
    return found[-1].parent if found else Path(str(on_path)).parent


def _unprivileged(folder: Path) -> str | None:
    """The server refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_ADMIN)
    except KeyError:
        raise NoServer(f"PostgreSQL does not run as root, and there is no user {_ADMIN}") from None
    shutil.chown(folder, _ADMIN, _ADMIN)
    return _ADMIN


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
