"""Output that nobody reads any more is no verdict."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.cli.place import Place, rows


def test_a_closed_pipe_ends_quietly_with_a_status_of_its_own(place: Place) -> None:
    place.settle(rows(4))
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "kclassify", "eval", "plan", "--precision", "0.9", "--true", "0.95"],
        cwd=place.folder,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")
