"""What may be said about a call: one line, without keys and without the item's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_LONGEST = 240
_QUOTE = 16
_SHORTEST_TEXT = 6
_SHORTEST_SECRET = 4
_KEYS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|AIza)[-_][A-Za-z0-9_*.-]{6,}|(?i:bearer\s+)[^\s'\",]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_ESCAPES = re.compile(r"\\+(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)")
_WITHHELD = "[withheld: it quotes the item]"


@dataclass(frozen=True, slots=True)
class Redaction:
    """Cleans texts of others. `secrets` are the keys in use, `texts` the item's title and body.

    Neither is in its own text.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)

    def clean(self, text: str) -> str:
        """One printable line of at most 240 characters, or a note in place of a quote of the item.

        It is one when 16 letters and digits in a row are the item's, or all that a text of six or
        more has, whatever stands between them and however they are escaped.
        """
        if not text:
            return ""
        line = "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))
        for secret in self.secrets:
            line = line.replace(secret, "[key]")
        line = _shortened(_KEYS.sub("[key]", line))
        return _WITHHELD if self._quotes_item(line) else line

    def _quotes_item(self, line: str) -> bool:
        said = _letters(line)
        windows = {said[i : i + _QUOTE] for i in range(len(said) - _QUOTE + 1)}
        return any(
            any(window in text for window in windows)
            or (len(text) >= _SHORTEST_TEXT and text in said)
            for text in map(_letters, self.texts)
        )


def _letters(text: str) -> str:
    """What is left of a text, however it is spaced, quoted, escaped and punctuated."""
    return "".join(filter(str.isalnum, _ESCAPES.sub("", text).casefold()))


def secrets_among(values: Iterable[object]) -> tuple[str, ...]:
    """Those that are texts long enough to be worth hiding, the longest first.

    Also as they are quoted, and as they are in one line.
    """
    texts = [value for value in values if isinstance(value, str)]
    told = {form for text in texts for form in (text, ascii(text)[1:-1], " ".join(text.split()))}
    return tuple(sorted((t for t in told if len(t) >= _SHORTEST_SECRET), key=len, reverse=True))


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
