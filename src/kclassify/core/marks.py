"""Marks that stand over and under letters, no more of them than any language needs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MOST = 6
"""On one letter: Tibetan and the accents of scholars come to five."""


def with_few_marks(text: str) -> str:
    """The text without the marks that follow six others, which would cover the lines around it."""
    return text if text.isascii() else "".join(_kept(text))


def _kept(text: str) -> Iterator[str]:
    run = 0
    for letter in text:
        run = run + 1 if unicodedata.category(letter)[0] == "M" else 0
        if run <= MOST:
            yield letter
