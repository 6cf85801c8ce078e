"""The tables of the documents say what the settings and the command line say."""

from __future__ import annotations

import json
import types
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import typer
from pydantic.fields import FieldInfo

from kclassify.cli import exit_status
from kclassify.cli.app import app
from kclassify.config import Settings
from kclassify.config.table import Table
from kclassify.core.taxonomy import Category
from tests.conftest import REPOSITORY
from tests.documents import read, rows

CONFIGURATION = read(REPOSITORY / "docs" / "configuration.md")
COMMAND_LINE = read(REPOSITORY / "docs" / "command-line.md")
TABLES = [name for name in Settings.model_fields if name != "folder"]
WORDS = {
    str: "text",
    int: "integer",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    dict: "table",
    Path: "path",
}
BOUNDS = {"gt": ">", "ge": "≥", "le": "≤", "lt": "<"}


def flat(commands: dict[str, Any]) -> dict[str, Any]:
    """The commands by what is typed for them; a group without a command is its `run`."""
    found: dict[str, Any] = {}
    for name, command in commands.items():
        inner = flat(getattr(command, "commands", {}))
        found |= {f"{name} {each}".removesuffix(" run"): inner[each] for each in inner}
        if not inner:
            found[name] = command
    return found


COMMANDS = flat(vars(typer.main.get_command(app))["commands"])


def plain(annotation: Any) -> Any:
    """The type of a setting without `None` and without what it is annotated with."""
    if get_origin(annotation) in {Union, types.UnionType}:
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
    while get_origin(annotation) not in {None, Literal}:
        annotation = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else dict
    return annotation


def fields_of(table: str) -> dict[str, FieldInfo]:
    """The keys of a table, or of each of the tables of a table."""
    annotation = Settings.model_fields[table].annotation
    found = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
    (settings,) = (each for each in found if issubclass(each, Table))
    return settings.model_fields


def kind(field: FieldInfo) -> str:
    annotation = plain(field.annotation)
    if get_origin(annotation) is Literal:
        *most, last = (f"`{each}`" for each in get_args(annotation))
        return f"{', '.join(most)} or {last}"
    found = [
        f"{sign} {getattr(bound, name):g}"
        for name, sign in BOUNDS.items()
        for bound in field.metadata
        if hasattr(bound, name)
    ]
    return ", ".join([WORDS[annotation], *found])


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "absent"
    return "empty" if value == {} else f"`{json.dumps(value, default=str)}`"


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_is_documented_with_its_type_and_default(table: str) -> None:
    fields = fields_of(table)
    expected = [[f"`{f.alias or name}`", kind(f), default(f)] for name, f in fields.items()]
    written = rows(CONFIGURATION, table)
    assert [[key, of, otherwise] for key, of, _, otherwise, _ in written] == expected
    for key, _, unit, _, meaning in written:
        assert (unit == "seconds") == key.strip("`").endswith(("_s", "_seconds")), key
        assert meaning, key


def test_every_key_of_a_category_is_documented() -> None:
    written = [row[0].strip("`") for row in rows(CONFIGURATION, "The taxonomy file")]
    assert written == ["name", "tie_breakers", *(f"category.{n}" for n in Category.model_fields)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented_in_its_own_words(command: str) -> None:
    expected: list[list[str]] = []
    for parameter in COMMANDS[command].params:
        names = " ".join(sorted(parameter.opts, key=len, reverse=True))
        name = parameter.metavar if parameter.param_type_name == "argument" else names
        expected.append([f"`{name}`", parameter.help])
    assert rows(COMMAND_LINE, f"kclassify {command}") == expected


def test_the_commands_are_documented_in_the_order_of_the_help() -> None:
    found = [row[0].strip("`").removeprefix("kclassify ") for row in rows(COMMAND_LINE, "Commands")]
    assert found == list(COMMANDS)


def test_every_exit_status_is_documented() -> None:
    known = {str(v) for name, v in vars(exit_status).items() if name.isupper()}
    assert {row[0].strip("`") for row in rows(COMMAND_LINE, "Exit statuses")} == known
