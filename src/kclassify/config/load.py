"""Reads `kclassify.toml` and merges it with the environment and the arguments, once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from kclassify.config.complaint import explain, suggestion
from kclassify.config.settings import Settings
from kclassify.config.table import Table
from kclassify.errors import ConfigError

DEFAULT_FILE = "kclassify.toml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Origins = dict[tuple[str, str], str]


def load_settings(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """The settings of one file (`kclassify.toml` in the working folder when none is named).

    `arguments` are those of the command line, by table; None means unset. Raises `ConfigError`,
    which names the key at fault and the file, variable or argument that gave it.
    """
    chosen = path or Path(DEFAULT_FILE)
    variables = os.environ if environment is None else environment
    return parse_settings(
        read_toml(chosen), chosen.parent, variables, arguments or {}, name=str(chosen)
    )


def parse_settings(
    content: Mapping[str, Any],
    folder: Path,
    environment: Mapping[str, str],
    arguments: Mapping[str, Mapping[str, Any]],
    *,
    name: str = DEFAULT_FILE,
) -> Settings:
    """The settings that these tables hold. Raises `ConfigError` as `load_settings` does."""
    merged = {
        table: expand(value, environment, f"{name}: [{table}]") for table, value in content.items()
    }
    if "folder" in merged:
        raise ConfigError(f"{name}: [folder]: unknown key")
    variables, origins = _from_environment(environment)
    _merge(merged, variables)
    _merge(merged, arguments)
    given = {(table, key): v for table, keys in arguments.items() for key, v in keys.items()}
    origins |= {where: f"argument {where[1]}" for where, v in given.items() if v is not None}
    # A default path is put into the folder only where its table is read, so that one is there.
    tables: dict[str, object] = {"taxonomy": {}, **merged, "folder": folder}
    try:
        return Settings.model_validate(tables, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(explain(error, Settings, origins, name)) from None


def read_toml(path: Path, written_by: str = "kclassify init") -> dict[str, Any]:
    """The tables of a TOML file. Raises `ConfigError`, which names the command that writes one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `{written_by}` writes one") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def expand(value: object, environment: Mapping[str, str], where: str) -> object:
    """The value, with environment variables in place of each `${NAME}` in its texts.

    `where` names its place in messages. Raises `ConfigError` for a variable that is not set.
    """
    if isinstance(value, Mapping):
        table = cast("Mapping[str, object]", value)
        return {key: expand(inner, environment, f"{where} {key}") for key, inner in table.items()}
    if isinstance(value, list):
        entries = cast("list[object]", value)
        return [expand(inner, environment, where) for inner in entries]
    if not isinstance(value, str):
        return value

    def substitute(match: re.Match[str]) -> str:
        try:
            return environment[match[1]]
        except KeyError:
            raise ConfigError(f"{where}: environment variable {match[1]} is not set") from None

    return _VARIABLE.sub(substitute, value)


def _from_environment(
    environment: Mapping[str, str],
) -> tuple[dict[str, dict[str, str]], Origins]:
    found: dict[str, dict[str, str]] = {}
    origins: Origins = {}
    known = {f"{_prefix(table)}{key.upper()}": (table, key) for table, key in _keys()}
    _refuse_misspelt(environment, known)
    for variable, (table, key) in known.items():
        if variable in environment:
            found.setdefault(table, {})[key] = environment[variable]
            origins[table, key] = f"environment variable {variable}"
    return found, origins


def _prefix(table: str) -> str:
    return f"KCLASSIFY_{table.upper()}_"


def _refuse_misspelt(environment: Mapping[str, str], known: Mapping[str, tuple[str, str]]) -> None:
    for table in dict.fromkeys(table for table, _ in known.values()):
        for variable in sorted(environment):
            if variable.startswith(_prefix(table)) and variable not in known:
                key = variable.removeprefix(_prefix(table)).lower()
                close = suggestion([table, key], Settings)
                raise ConfigError(f"environment variable {variable}: unknown key{close}")


def _keys() -> Iterator[tuple[str, str]]:
    for table, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Table):
            for name, inner in model.model_fields.items():
                yield table, inner.alias or name


def _merge(into: dict[str, Any], extra: Mapping[str, Mapping[str, Any]]) -> None:
    for table, values in extra.items():
        given = {key: value for key, value in values.items() if value is not None}
        there = into.get(table, {})
        if given and isinstance(there, Mapping):  # what is no table is reported when it is checked
            into[table] = {**there, **given}
