"""A worker of a job system in a process of its own, and what it has logged so far."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60.0


def wait_for(holds: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Return once it holds; `AssertionError` that says what did not come when it never does."""
    until = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.02)


@dataclass
class WorkerProcess:
    """Started when made, the leader of a process group. `log` is a file that is made for it."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    _process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                list(self.command),
                cwd=self.log.parent,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of its main process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its main process is."""
        return self._process.poll() is None

    @property
    def lines(self) -> list[str]:
        """All that it has printed so far, on standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def count(self, text: str) -> int:
        """How many lines contain the text."""
        return sum(text in line for line in self.lines)

    def wait_for(self, text: str, *, times: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Return once so many lines contain the text; `AssertionError` with the log otherwise."""
        try:
            wait_for(
                lambda: self.count(text) >= times or not self.is_running,
                f"{times} x {text!r}",
                timeout_s,
            )
            assert self.count(text) >= times, f"ended without {times} x {text!r}"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def tail(self, lines: int = 60) -> str:
        """The end of its log, for the message of a test that fails."""
        return "\n".join(["the worker's log:", *self.lines[-lines:]])

    def terminate(self) -> None:
        """SIGTERM to its main process, as service managers do."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to all of its processes, as when a machine dies; returns when they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, grace_s: float) -> bool:
        """SIGTERM, and SIGKILL when the grace is over; whether it ended by itself."""
        self.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
        return True

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit status, below 0 the signal that ended it; `TimeoutExpired` when it goes on."""
        return self._process.wait(timeout_s)
