"""Text of unknown origin, made harmless: it can hide nothing, turn nothing round, fill no page."""

from __future__ import annotations

import unicodedata

from kclassify.core.marks import with_few_marks

_SHAPING = "\u200c\u200d"  # without these Persian words and family emoji fall apart
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
REPLACEMENT = "\ufffd"


def inert(text: str, limit: int | None = None) -> str:
    """The text without control, direction and other invisible characters.

    Each becomes U+FFFD, so that its place can be seen; line feeds and tabs stay. What is longer
    than `limit` characters is cut there and ends in an ellipsis.
    """
    kept = text if limit is None else text[:limit]
    made = "".join(
        letter if _is_harmless(letter) else REPLACEMENT for letter in _lines(with_few_marks(kept))
    )
    return made if len(kept) == len(text) else f"{made}…"


def one_line(text: str, limit: int | None = None) -> str:
    """The same on one line, whatever white space it had."""
    kept = text if limit is None else text[: 4 * limit]
    return inert(" ".join(kept.split()), limit)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _is_harmless(letter: str) -> bool:
    if letter in _SHAPING or letter in "\n\t":
        return True
    return unicodedata.category(letter) not in _HARMFUL
