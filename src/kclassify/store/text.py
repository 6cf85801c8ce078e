"""Text that both databases can hold."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without what PostgreSQL or UTF-8 refuses: NUL and lone surrogates.

    It is for what people read, never for keys or labels.
    """
    if not text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
