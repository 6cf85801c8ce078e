"""Says in one line what is wrong with a setting, and where it came from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

_TABLE_EXPECTED = {"model_type", "model_attributes_type", "dict_type"}
_EXPECTED = {
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "path_type": "a text (a path) is expected",
    "string_type": "a text is expected",
}
_OF_NUMBERS = {
    "bool_parsing",
    "float_parsing",
    "int_from_float",
    "int_parsing",
    "finite_number",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
}


def explain(
    error: ValidationError,
    model: type[BaseModel],
    origins: Mapping[tuple[str, str], str],
    name: str,
) -> str:
    """The first fault. `origins` names what gave a setting, where it was not the file `name`."""
    detail = error.errors(include_url=False)[0]
    parts = [str(part) for part in detail["loc"]]
    table, key = [*parts, "", ""][:2]
    origin = origins.get((table, key))
    where = origin or f"{name}: [{table}] {'.'.join(parts[1:])}".strip()
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key{suggestion(parts, model)}"
    given = detail.get("input")
    if origin and isinstance(given, str) and detail["type"] in _OF_NUMBERS:
        # No number is a secret. In the file it may be a text that came from another variable.
        return f"{where}: {detail['msg'].partition(',')[0]}, not {given!r}"
    return f"{where}: {_reason(detail['type'], detail['msg'], given, parts)}"


def explain_alone(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a table that a program made, and no file."""
    detail = error.errors(include_url=False)[0]
    parts = [str(part) for part in detail["loc"]]
    where = ": ".join([model.__name__, *([".".join(parts)] if parts else [])])
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key{suggestion(parts, model)}"
    return f"{where}: {_reason(detail['type'], detail['msg'], detail.get('input'), parts)}"


def _reason(kind: str, message: str, given: object, parts: list[str]) -> str:
    if kind == "missing":
        return "is missing"
    if kind in _TABLE_EXPECTED and len(parts) == 1:
        return "a table is expected"
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    said = message.removeprefix("Value error, ")
    # A text may hold a secret, so only numbers are repeated; those that validators saw are.
    if isinstance(given, int | float) and not message.startswith("Value error"):
        return f"{said}, not {given}"
    return said


def suggestion(parts: list[str], model: type[BaseModel]) -> str:
    """What may have been meant by an unknown key, else the keys that there are."""
    inner: Any = model
    for part in parts[:-1]:
        inner = inner.model_fields[part].annotation
    names = [field.alias or name for name, field in inner.model_fields.items() if name != "folder"]
    close = difflib.get_close_matches(parts[-1], names, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"
