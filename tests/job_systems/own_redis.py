"""A Redis server that a test may kill, with a password and without persistence."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import redis

from tests.job_systems.worker_process import wait_for


class OwnRedis:
    """Not started when made; `url` has the password in it."""

    password = "s3cret"

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--requirepass", self.password, "--save", ""]
        self._process = subprocess.Popen(
            [self._program, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        client: Any = redis.Redis.from_url(self.url)
        wait_for(lambda: answers(client), "a Redis server")
        client.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
