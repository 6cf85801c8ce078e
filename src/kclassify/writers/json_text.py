"""Members of a JSON object, set and removed in its text, so that all other bytes stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECODER = json.JSONDecoder()


class Member(NamedTuple):
    """Where a member begins, where its value begins and where its value ends."""

    start: int
    value: int
    end: int


def members(text: str) -> dict[str, Member]:
    """The members of the object, by name; of two with one name, the last, as JSON readers do.

    Raises `ValueError` for anything but one object.
    """
    if not isinstance(json.loads(text), dict):
        raise ValueError("not an object")  # noqa: TRY004 # the text is at fault, not its type
    return dict(_scan(text))


def with_member(text: str, name: str, value: str) -> str:
    """The text with the member set to `value`, which is JSON."""
    found = members(text)
    if name in found:
        return text[: found[name].value] + value + text[found[name].end :]
    comma = ", " if found else ""
    end = max((member.end for member in found.values()), default=text.index("{") + 1)
    return f"{text[:end]}{comma}{json.dumps(name)}: {value}{text[end:]}"


def without_member(text: str, name: str) -> str:
    """The text without the member, and without its comma."""
    places = list(_scan(text))
    for number in reversed(range(len(places))):
        if places[number][0] == name:
            here = places[number][1]
            before = places[number - 1][1].end if number else here.start
            after = places[number + 1][1].start if number + 1 < len(places) else here.end
            start, end = (before, here.end) if number else (here.start, after)
            return without_member(text[:start] + text[end:], name)
    return text


def _scan(text: str) -> Iterator[tuple[str, Member]]:
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, end_of_name = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, end_of_name) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield str(name), Member(at, value, end)
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at
