"""Runs `kclassify demo` on a pseudo-terminal and draws what it printed into images/demo.svg.

    python docs/screenshot.py

`tests/test_documents.py` compares the picture with a run of its own.
"""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

COLUMNS = 104
PICTURE = Path(__file__).parent / "images" / "demo.svg"
_WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def record(*command: str) -> str:
    """What a command prints to a terminal of `COLUMNS` columns. Exits when the command fails."""
    output = io.BytesIO()

    def read(descriptor: int) -> bytes:
        piece = os.read(descriptor, 4096)
        output.write(piece)
        return piece

    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    if status:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return output.getvalue().decode().replace("\r\n", "\n")


def draw(printed: str, title: str) -> str:
    """The text as the picture of a terminal. It loads nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    console.print(Text.from_ansi(printed))
    drawn = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id="demo")
    return _WEB_FONTS.sub("", drawn)


if __name__ == "__main__":
    shown = record(sys.executable, "-m", "kclassify", "demo")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(shown, "kclassify demo"), encoding="utf-8")
