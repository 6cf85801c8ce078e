"""Starts the server for one run, and asks it what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from benchmarks.peers.tools import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.peers.scenarios import Scenario


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str

    def answered_again(self) -> int:
        """How many answers were given beyond the first for an item."""
        with urllib.request.urlopen(f"{self.url}/counts") as reply:  # noqa: S310 - our own
            counts: dict[str, int] = json.load(reply)
        return sum(count - 1 for count in counts.values())


@contextmanager
def serve(scenario: Scenario) -> Generator[Served]:
    """A server that behaves as the scenario says, for as long as the block runs."""
    options = {
        "--latency-ms": scenario.latency_ms,
        "--share": scenario.share,
        "--down-after": scenario.down_after,
        "--down-s": scenario.down_s,
    }
    command = [sys.executable, "-m", "benchmarks.peers.server"]
    command += [f"{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(  # noqa: S603
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        port = cast("IO[str]", server.stdout).readline().strip()
        yield Served(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.communicate()
