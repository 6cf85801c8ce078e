"""How many tokens a text has, without the tokenizer of its model: about, and at most."""

from __future__ import annotations

import unicodedata

CHARACTERS_A_TOKEN = 4
"""Of English text, about. The newer tokenizers make a third more tokens, other languages more."""

APPROXIMATION_ERROR = 0.35
"""How far such a figure may be off, as a share of it."""


def approximate_tokens(text: str) -> int:
    """About how many tokens a text has: one for every four characters, rounded up."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def most_tokens(text: str) -> int:
    """More tokens than this no tokenizer makes of a text: one for each of its bytes in UTF-8.

    Some of them look at the compatibility form of a text, which may be the longer one.
    """
    if text.isascii():
        return len(text)
    return max(_bytes(text), _bytes(unicodedata.normalize("NFKC", text)))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
