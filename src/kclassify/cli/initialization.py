"""Looks into a database or a file and writes `kclassify.toml` and `taxonomy.toml` for it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from kclassify.cli.guess import Roles, Shape, guess
from kclassify.cli.shape import shape_of_file, shape_of_table
from kclassify.cli.skeleton import may_be_active, settings_text, taxonomy_text
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.database import Database
from kclassify.errors import ConfigError, UsageError
from kclassify.ports import Source
from kclassify.sources import SqlSource, open_source
from kclassify.sources.unknown import LABELS

PASSWORD_VARIABLE = "KCLASSIFY_DATABASE_URL"  # noqa: S105 - the name of a variable, no password
MOST_LABELS = 1000
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NO_LABEL = "kclassify: a label that no row has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `place` is a database URL or the path of a file."""

    place: str
    table: str | None = None
    schema: str | None = None
    roles: Roles
    taxonomy: Path | None = None
    config: Path = Path("kclassify.toml")
    force: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What was found and written. `labels` counts the rows by current label, None being no label.

    `undefined` are the labels that still need a definition, `unknown` those that the given taxonomy
    does not have. `variable` is the environment variable that holds the URL from now on, if any.
    """

    place: str
    roles: Roles
    items: int
    labels: Mapping[str | None, int]
    written: tuple[Path, ...]
    undefined: tuple[str, ...]
    unknown: tuple[str, ...]
    variable: str | None


def initialize(request: Request) -> Found:
    """Write the files. Raises `UsageError` when one of them is there already, before any work."""
    skeleton = request.config.parent / "taxonomy.toml"
    targets = [request.config] if request.taxonomy else [request.config, skeleton]
    for path in targets:
        if path.exists() and not request.force:
            raise UsageError(f"{path} is there already: --force writes it anew")
    known = read_taxonomy(request.taxonomy).known if request.taxonomy else frozenset[str]()
    is_url = "://" in request.place
    looked = _look_at_database(request) if is_url else _look_at_file(request)
    labels = [label for label in looked.labels if label is not None]
    name = looked.name
    file = request.taxonomy or skeleton
    settings = settings_text(name, looked.place, looked.roles, _beside(file, request.config))
    _write(request.config, settings)
    if request.taxonomy is None:
        _write(skeleton, taxonomy_text(name, {label: looked.labels[label] for label in labels}))
    return Found(
        place=looked.description,
        roles=looked.roles,
        items=looked.items,
        labels=looked.labels,
        written=tuple(targets),
        undefined=() if request.taxonomy else tuple(filter(may_be_active, labels)),
        unknown=tuple(n for n in labels if n not in known) if request.taxonomy else (),
        variable=looked.variable,
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    name: str
    description: str
    place: Mapping[str, str | None]
    roles: Roles
    items: int
    labels: Mapping[str | None, int]
    variable: str | None = None


def _look_at_file(request: Request) -> _Looked:
    path = Path(request.place)
    roles = guess(shape_of_file(path), request.roles)
    source = open_source(
        path, key=roles.key, title=roles.title, body=roles.body, current=roles.current
    )
    items, labels = _labels(source)
    place = {"path": _beside(path, request.config)}
    return _Looked(path.stem, str(path), place, roles, items, labels)


def _look_at_database(request: Request) -> _Looked:
    url = _VARIABLE.sub(_value, request.place)
    with closing(Database(url)) as database:
        shape = shape_of_table(database, request.table, request.schema)
        roles = guess(shape, request.roles)
        source = _table_source(database, shape, roles, request.schema)
        items, labels = _labels(source)
    has_secret = request.place == url and _has_password(url)
    variable = PASSWORD_VARIABLE if has_secret else None
    written = f"${{{variable}}}" if variable else _url_beside(request.place, request.config)
    place = {"url": written, "schema": request.schema, "table": shape.place}
    return _Looked(shape.place, source.description, place, roles, items, labels, variable)


def _table_source(database: Database, shape: Shape, roles: Roles, schema: str | None) -> Source:
    if roles.key is None or roles.body is None or roles.current is None:
        raise AssertionError("guess() names them all")
    return SqlSource(
        database,
        shape.place,
        key=roles.key,
        title=roles.title,
        body=roles.body,
        current=roles.current,
        schema=schema,
    )


def _labels(source: Source) -> tuple[int, dict[str | None, int]]:
    """How many items there are, and how many of each label, the most frequent first."""
    found: dict[str | None, int] = {}
    while True:
        survey = source.survey([_NO_LABEL, *(label for label in found if label is not None)])
        found |= {each.label: each.rows for each in survey.unknown}
        if len(survey.unknown) < LABELS:  # else there may be more of them
            break
        if len(found) > MOST_LABELS:
            raise UsageError(
                f"{source.description}: more than {MOST_LABELS:,} different labels: name the right "
                "column with --current"
            )
    without = survey.items - sum(found.values())
    return survey.items, found | ({None: without} if without else {})


def _has_password(url: str) -> bool:
    parsed = make_url(url)
    return bool(parsed.password) or any("password" in name.lower() for name in parsed.query)


def _value(match: re.Match[str]) -> str:
    try:
        return os.environ[match[1]]
    except KeyError:
        raise ConfigError(f"environment variable {match[1]} is not set") from None


def _beside(path: Path, config: Path) -> str:
    """The path as the settings file has to name it: relative to its own folder."""
    if path.is_absolute() or config.parent == Path():
        return path.as_posix()
    return Path(os.path.relpath(path, config.parent)).as_posix()


def _url_beside(url: str, config: Path) -> str:
    scheme, slashes, file = url.partition(":///")
    if not scheme.startswith("sqlite") or not slashes or file.startswith(("/", "$", "~")):
        return url
    return f"{scheme}{slashes}{_beside(Path(file), config)}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
