"""One row to classify."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from kclassify.errors import SourceError

Key = int | str | UUID
"""What identifies an item and orders its source: immutable, unique, sortable."""
KEY_TYPES = (int, str, UUID)


class _Digested:
    """Room for the digest, which is no field: neither `asdict` nor `fields` tells of it."""

    __slots__ = ("_digest",)
    _digest: str


@dataclass(frozen=True, slots=True)
class Item(_Digested):
    """One row: its key, its text, and the label it carries now (None when it has none yet).

    Raises `SourceError` when the body is no text.
    """

    key: Key
    body: str
    title: str | None = None
    current: str | None = None

    def __post_init__(self) -> None:
        is_text = isinstance(self.body, str)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not is_text:
            raise SourceError(f"item {self.key!r}: the body is a text, '' when there is none")

    @property
    def digest(self) -> str:
        """SHA-256 of title and body, in hexadecimal. The current label is no part of it."""
        digest: str | None = getattr(self, "_digest", None)
        if digest is None:
            digest = digest_of(self.title or "", self.body)
            object.__setattr__(self, "_digest", digest)
        return digest

    @property
    def is_empty(self) -> bool:
        """Whether the body holds nothing but white space: an outcome, never a call."""
        return not self.body or self.body.isspace()


def digest_of(*parts: str) -> str:
    """SHA-256 over the parts, each preceded by its length: no two lists of parts collide."""
    sha = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:" % len(encoded))
        sha.update(encoded)
    return sha.hexdigest()


def folded(text: str) -> str:
    """The text without its capitals and its layout: the same for copies that differ in no more."""
    return " ".join(text.casefold().split())


def encode_key(key: Key) -> str:
    """The key as the ledger stores it: its type and its text, `i:42`, `s:kb-1`, `u:6f9c…`."""
    if type(key) is int:
        return f"i:{key}"
    is_key = isinstance(key, KEY_TYPES)  # pyright: ignore[reportUnnecessaryIsInstance]
    if isinstance(key, bool) or not is_key:
        msg = f"a key must be an integer, a text or a UUID, not {type(key).__name__}"
        raise SourceError(msg)
    prefix = "i" if isinstance(key, int) else "s" if isinstance(key, str) else "u"
    return f"{prefix}:{key}"


def keys_spelt(text: str) -> list[Key]:
    """Every key that reads like this: a text, and perhaps an integer or a UUID."""
    found: list[Key] = [text]
    for kind in (int, UUID):
        with suppress(ValueError):
            key = kind(text)
            found.extend([key] if str(key) == text else [])
    return found


def decode_key(text: str) -> Key:
    """The inverse of `encode_key`."""
    prefix, _, value = text.partition(":")
    if prefix == "i":
        return int(value)
    return UUID(value) if prefix == "u" else value


def encode_bound(key: Key | None) -> str | None:
    """A cursor or the end of a part as the ledger stores it, where there is one."""
    return None if key is None else encode_key(key)


def decode_bound(text: str | None) -> Key | None:
    """The inverse of `encode_bound`."""
    return None if text is None else decode_key(text)
