"""Values as they come from a row or a line, turned into keys, bodies and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kclassify.core.item import KEY_TYPES
from kclassify.errors import SourceError

if TYPE_CHECKING:
    from kclassify.core.item import Key


def well_formed(text: str) -> str:
    """The text with U+FFFD in place of each lone surrogate, so that it can be encoded and sent."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def key_of(value: object, where: str, column: str) -> Key:
    """The value as a key. Raises `SourceError`, which begins with `where`, for anything else."""
    if isinstance(value, bool) or not isinstance(value, KEY_TYPES):
        raise SourceError(
            f"{where}: the key {column!r} is {_kind(value)}: a key is an integer, a text or a UUID"
        )
    if isinstance(value, str) and ("\0" in value or well_formed(value) != value):
        raise SourceError(
            f"{where}: the key {column!r} is {value!a}, which not every database can store: "
            "a key has no NUL and no broken characters"
        )
    return value


def text_of(value: object, where: str, column: str) -> str | None:
    """The value as well-formed text, or None. Raises `SourceError` for anything else."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise SourceError(f"{where}: {column!r} is {_kind(value)}, not text")
    return well_formed(value)


def _kind(value: object) -> str:
    names = {
        "NoneType": "missing",
        "bool": "true or false",
        "bytes": "binary",
        "dict": "an object",
        "float": "a fraction",
        "int": "a number",
        "list": "a list",
    }
    name = type(value).__name__
    return names.get(name, f"of type {name}")
