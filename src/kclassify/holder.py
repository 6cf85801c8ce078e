"""Who holds a run: a name that another process can tell to be alive or dead."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_holder() -> str:
    """A name for one worker in this process: `host/boot/pid-namespace:pid:start#worker`."""
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid())}#{secrets.token_hex(4)}"


def is_alive(holder: str) -> bool:
    """False only when the holder was a process of this very machine that is gone."""
    process, _, _ = holder.partition("#")
    parts = process.rsplit(":", 2)
    if len(parts) != 3 or parts[0] != _machine() or not parts[1].isdigit():  # noqa: PLR2004
        return True
    return _started(int(parts[1])) == parts[2]


def _machine() -> str:
    boot = _BOOT.read_text().strip()[:8] if _BOOT.exists() else "unknown"
    namespace = Path("/proc/self/ns/pid")
    inode = namespace.stat().st_ino if namespace.exists() else 0
    return f"{socket.gethostname()}/{boot}/{inode}"


def _started(pid: int) -> str:
    """When the process began, in clock ticks since the machine did; `gone` when there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _started_elsewhere(pid)
    return "gone" if after_name[0] == "Z" else after_name[19]


def _started_elsewhere(pid: int) -> str:
    if Path("/proc/self").exists():
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return "there"
