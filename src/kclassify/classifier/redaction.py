"""What may be said about a call: one line, without keys and without the item's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_LONGEST = 240
_QUOTE = 20
_SHORTEST_SECRET = 4
_KEYS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|AIza)[-_][A-Za-z0-9_*.-]{6,}|(?i:bearer\s+)[^\s'\",]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_WITHHELD = "[withheld: it quotes the item]"


@dataclass(frozen=True, slots=True)
class Redaction:
    """Cleans texts of others. `secrets` are the keys in use, `texts` the item's title and body.

    Neither is in its own text.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)

    def clean(self, text: str) -> str:
        """One line of at most 240 characters, or a note in its place when it quotes the item."""
        if not text:
            return ""
        line = " ".join(text.split())
        for secret in self.secrets:
            line = line.replace(secret, "[key]")
        line = _shortened(_KEYS.sub("[key]", line))
        return _WITHHELD if self._quotes_item(line) else line

    def _quotes_item(self, line: str) -> bool:
        said = line.casefold()
        windows = {said[i : i + _QUOTE] for i in range(max(1, len(said) - _QUOTE + 1))}
        flat = (" ".join(text.split()).casefold() for text in self.texts)
        return any(len(w) == _QUOTE and w in text for text in flat for w in windows)


def secrets_among(values: Iterable[object]) -> tuple[str, ...]:
    """Those that are texts long enough to be worth hiding, the longest first."""
    texts = {value for value in values if isinstance(value, str)}
    return tuple(sorted((t for t in texts if len(t) >= _SHORTEST_SECRET), key=len, reverse=True))


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
