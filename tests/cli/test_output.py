"""Standard output on a terminal, in a pipe and on a full disk."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kclassify.gate_file import write_record
from kclassify.testing import StubMessagesAPI
from tests.cli.place import Place, rows
from tests.core.test_gate import record

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(columns: int, *arguments: str) -> str:
    """What the command prints on a terminal of its own."""
    control, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "kclassify", *arguments], stdout=terminal, env=environment
    ) as process:
        os.close(terminal)
        shown = b""
        while piece := _piece(control):
            shown += piece
    os.close(control)
    assert process.returncode == 0
    return ESCAPES.sub("", shown.decode()).replace("\r\n", "\n")


def _piece(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_a_table_is_printed_as_blocks_where_it_would_not_be_readable(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(2))
    place.run("commit", "--override", "a reason")
    narrow, wide = on_a_terminal(40, "status"), on_a_terminal(80, "status")
    fields = dict(line.split(maxsplit=1) for line in narrow.splitlines() if " " in line)
    assert fields["model"] == "anthropic/claude-haiku-4-5"
    assert fields["permission"] == "override: a reason"
    assert "\npass  mode    status  items" in wide
    assert all(len(line) <= 80 for line in wide.splitlines()[1:])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_line(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    place.run("dry-run")
    for options in ([], ["--json"]):
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            command = [sys.executable, "-m", "kclassify", "status", *options]
            ended = subprocess.run(
                command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (ended.returncode, ended.stderr) == (
            1,
            "kclassify: output: No space left on device\n",
        )


def test_a_ledger_that_cannot_be_read_is_one_line_that_promises_no_run(place: Place) -> None:
    place.settle(rows(1), '[ledger]\nurl = "sqlite:///own.db"\n')
    place.write("own.db", "this is no database, though it is long enough to be one")
    read, worked = place.run("status"), place.run("dry-run")
    assert (read.status, len(read.err.splitlines())) == (2, 1)
    assert "own.db" in read.err
    assert "resumed" not in read.err
    assert worked.status == 2
    assert "resumed" not in worked.err


def test_an_error_that_quotes_a_file_has_no_power_over_the_terminal(place: Place) -> None:
    place.settle(rows(2), '[gate]\nrecord = "gate.json"\n')
    model = "\x1b]0;owned\x07\x1b[2J\x9b1mall\nis well\u202e"
    write_record(place.folder / "gate.json", record(parts={"model": model}))
    ended = place.run("commit")
    assert ended.status == 2
    assert "is well" in ended.err
    assert ended.err.rstrip("\n").isprintable()
