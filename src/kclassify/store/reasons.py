"""Why a pass may write: kept, all of it, when it goes on for another reason."""

from __future__ import annotations


def together(kept: str | None, given: str | None) -> str | None:
    """Both, a line each, the newest last; one that is there already is not there twice."""
    if kept is None or given is None:
        return given or kept
    return kept if f"\n{given}\n" in f"\n{kept}\n" else f"{kept}\n{given}"
