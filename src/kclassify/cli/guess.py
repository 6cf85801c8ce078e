"""Guesses which column holds the key, the title, the body and the current label."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.errors import SourceError

_KEYS = ("id", "key", "uuid", "uid", "slug", "identifier")
_CURRENT = (
    "current", "current_label", "category", "label", "class", "topic", "kind", "type", "tag",
)  # fmt: skip
_BODIES = ("body", "text", "content", "contents", "article", "description", "message", "comment")
_TITLES = ("title", "headline", "subject", "heading", "name")


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a table, or the fields of a file.

    `texts` are those that hold text, `unique` those that can tell rows apart, the best first.
    `composite` are the columns of a primary key that has more than one.
    """

    place: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    unique: tuple[str, ...]
    composite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Roles:
    """What each column is for; None where there is no such column, or none was named."""

    key: str | None = None
    title: str | None = None
    body: str | None = None
    current: str | None = None


def guess(shape: Shape, given: Roles) -> Roles:
    """The roles, those that were given first. Raises `SourceError` for one that cannot be told."""
    for name in (given.key, given.title, given.body, given.current):
        if name is not None and name not in shape.columns:
            raise SourceError(f"{shape.place} has no column {name!r}; it has: {_list(shape)}")
    taken = {name for name in (given.key, given.title, given.body, given.current) if name}
    key = given.key or _key(shape)
    if key in shape.composite and key not in shape.unique:
        raise SourceError(_composite(shape))
    texts = [name for name in shape.texts if name not in {*taken, key}]
    current = given.current or _named(texts, _CURRENT)
    texts = [name for name in texts if name != current]
    title = given.title or _named(texts, _TITLES)
    rest = [name for name in texts if name != title]
    body = given.body or _named(rest, _BODIES) or (rest[0] if len(rest) == 1 else None)
    for role, name in (("body", body), ("current", current)):
        if name is None:
            raise SourceError(_unknown(shape, role))
    return Roles(key, title, body, current)


def is_plausible(shape: Shape) -> bool:
    """Whether every role can be guessed."""
    try:
        guess(shape, Roles())
    except SourceError:
        return False
    return True


def _key(shape: Shape) -> str:
    found = _named(shape.unique, _KEYS) or (shape.unique[0] if shape.unique else None)
    if found is None:
        raise SourceError(_composite(shape) if shape.composite else _unknown(shape, "key"))
    return found


def _composite(shape: Shape) -> str:
    return (
        f"{shape.place}: its primary key is composite ({', '.join(shape.composite)}), and a key is "
        f"one column: name a unique one with --key; it has: {_list(shape)}"
    )


def _named(names: list[str] | tuple[str, ...], wanted: tuple[str, ...]) -> str | None:
    """The name that is wanted most, or one that ends in a wanted word."""
    lower = {name.lower(): name for name in reversed(names)}
    exact = next((lower[word] for word in wanted if word in lower), None)
    ending = (name for word in wanted for name in names if name.lower().endswith(f"_{word}"))
    return exact or next(ending, None)


def _unknown(shape: Shape, role: str) -> str:
    meaning = {
        "key": "which column is unique and orders the rows",
        "body": "which column holds the text",
        "current": "which column holds the label of each row",
    }[role]
    return f"{shape.place}: cannot tell {meaning}: name it with --{role}; it has: {_list(shape)}"


def _list(shape: Shape) -> str:
    return ", ".join(shape.columns) or "no columns"
