"""A text of unknown origin as one line that any log, terminal and database takes."""

from __future__ import annotations

LONGEST = 500


def one_line(text: str) -> str:
    """At most 500 printable characters, without line breaks."""
    line = "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
