"""Who holds a lease, and whether a holder of this machine still lives.

A holder is a text like `host/boot-id/pid-namespace:pid:start-time#worker`. Two workers can be told
apart by it across reboots, containers, reused process ids, and within one process.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_UNKNOWN = "-"
_ENDED = {"Z", "X", "x"}
_retired: set[str] = set()


def this_holder() -> str:
    """A holder text for one worker of this process, another each time."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_start_time(pid) or _UNKNOWN}#{secrets.token_hex(4)}"


def retire(holder: str) -> None:
    """A worker of this process is over, though it could not tell the ledger."""
    _retired.add(holder)


def described(holder: str) -> str:
    """The holder for people, like `process 4711 on host`; a text of another form as it is."""
    place, _, process = holder.partition("#")[0].rpartition("/")
    pid = process.partition(":")[2].partition(":")[0]
    host = place.partition("/")[0]
    return f"process {pid} on {host}" if host and pid.isdecimal() else holder


def is_alive(holder: str) -> bool:
    """False when `holder` is a worker of this very machine that has ended; True when in doubt."""
    if holder in _retired:
        return False
    place, _, process = holder.partition("#")[0].rpartition("/")
    namespace, _, identity = process.partition(":")
    pid, _, started = identity.partition(":")
    same_place = f"{place}/{namespace}" == _place() and _UNKNOWN not in _place().split("/")[1:]
    if not same_place or not pid.isdecimal():
        return True
    return _runs(int(pid)) and _start_time(int(pid)) in {started, None}


def _place() -> str:
    return f"{socket.gethostname()}/{_boot_id()}/{_pid_namespace()}"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _UNKNOWN


def _pid_namespace() -> str:
    try:
        link = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return _UNKNOWN
    return link.removeprefix("pid:[").removesuffix("]")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return _state(pid) not in _ENDED


def _state(pid: int) -> str | None:
    fields = _status_fields(pid)
    return fields[0] if fields else None


def _start_time(pid: int) -> str | None:
    """In clock ticks since boot."""
    fields = _status_fields(pid)
    return fields[19] if fields else None


def _status_fields(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The command's name comes first and may hold blanks and brackets.
    return text.rpartition(")")[2].split()
