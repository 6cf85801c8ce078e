"""Reads the kinds of failures that are named on the command line."""

from __future__ import annotations

from kclassify.core.verdict import OutcomeKind
from kclassify.errors import UsageError


def failure_kind(text: str) -> OutcomeKind:
    """The kind; `too-long` means `too long`. Raises `UsageError`, which names those there are."""
    failing = {kind.value: kind for kind in OutcomeKind if kind.is_failure}
    found = failing.get(text.strip().lower().replace("-", " ").replace("_", " "))
    if found is None:
        raise UsageError(f"{text!r} is no kind of failure; there are: {', '.join(failing)}")
    return found
