"""A file system of a test's own: it can be filled up, and mounted read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SIZE_MB = 8


class NotMountable(Exception):
    """Nothing can be mounted here."""


@dataclass(frozen=True)
class SmallDisk:
    """A tmpfs of a few megabytes, mounted at `path`."""

    path: Path

    def fill(self) -> None:
        """Take all the room that is left."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        """Give back what `fill` took."""
        self._filler.unlink()

    def remount(self, mode: str) -> None:
        """`ro` or `rw`; no file may be open for writing."""
        _mount("-o", f"remount,{mode}", str(self.path))

    @property
    def _filler(self) -> Path:
        return self.path / "filler"


@contextmanager
def small_disk(path: Path) -> Generator[SmallDisk]:
    """Mounted at this folder, which is made. Raises `NotMountable`, which says why."""
    path.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise NotMountable("only root can mount a small file system")
    _mount("-t", "tmpfs", "-o", f"size={SIZE_MB}m", "kclassify", str(path))
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=60)


def _mount(*arguments: str) -> None:
    done = subprocess.run(
        ["mount", *arguments], check=False, timeout=60, capture_output=True, text=True
    )
    if done.returncode:
        raise NotMountable(done.stderr.strip())
