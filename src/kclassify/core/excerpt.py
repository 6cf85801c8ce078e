"""The beginning of a text that is too long, cut where a reader would cut it."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

_PARAGRAPH = re.compile(r"\r?\n[^\S\n]*\n")
_SENTENCE = re.compile(r"[.!?][\"')\]]*(?=\s)|[。！？]")  # noqa: RUF001
_WORD = re.compile(r"(?<=\S)(?=\s)")
_JOINER = "\u200d"
_EXTENDING = re.compile(
    "[\u200d\ufe00-\ufe0f\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_LONGEST_GRAPHEME = 64


def excerpt(text: str, limit: int) -> str:
    """The text, or a beginning of it of at most `limit` characters.

    It ends with a paragraph when one ends in the second half of what is allowed, else with a
    sentence, else with a word, else between two characters as a reader sees them.
    """
    if len(text) <= limit:
        return text
    return text[: _end(text, limit)]


def _end(text: str, limit: int) -> int:
    half = limit // 2
    for end in (
        _last(_PARAGRAPH, text, half, limit, at_start=True),
        _last(_SENTENCE, text, half, limit),
        _last(_WORD, text, half, limit),
    ):
        if end > half:
            return end
    return _between_graphemes(text, limit)


def _last(
    boundary: re.Pattern[str], text: str, half: int, limit: int, *, at_start: bool = False
) -> int:
    found = boundary.finditer(text, half, min(len(text), limit + 2))
    ends = [match.start() if at_start else match.end() for match in found]
    return max((end for end in ends if end <= limit), default=0)


def _between_graphemes(text: str, limit: int) -> int:
    for end in range(limit, max(limit - _LONGEST_GRAPHEME, 0), -1):
        if not _splits(text, end):
            return end
    return limit


def _splits(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    return (
        before == _JOINER
        or unicodedata.category(after).startswith("M")
        or _EXTENDING.match(after) is not None
        or (before, after) == ("\r", "\n")
        or (_is_flag_half(after) and _flag_halves_before(text, end) % 2 == 1)
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, end: int) -> int:
    tail = reversed(text[max(0, end - _LONGEST_GRAPHEME) : end])
    return sum(1 for _ in takewhile(_is_flag_half, tail))
