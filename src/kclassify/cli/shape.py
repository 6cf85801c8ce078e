"""Looks at a table or at a file to see which columns there are."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Inspector, String, Uuid, inspect, types

from kclassify.cli.guess import Shape, is_plausible
from kclassify.database import Database
from kclassify.errors import SourceError
from kclassify.sources.records import Place, csv_fields, csv_records, jsonl_records

_SAMPLE = 200
_LEDGER_PREFIX = "kclassify_"


def shape_of_file(path: Path) -> Shape:
    """The fields of a .jsonl, .ndjson or .csv file, by its first records. Raises `SourceError`."""
    is_csv = path.suffix.lower() == ".csv"
    if not is_csv and path.suffix.lower() not in {".jsonl", ".ndjson"}:
        raise SourceError(
            f"{path}: .jsonl, .ndjson and .csv can be read; "
            f"a database is named by its URL, such as sqlite:///{path}"
        )
    read = csv_records if is_csv else jsonl_records
    records = [dict(record.fields) for record in islice(read(path, Place()), _SAMPLE)]
    names = csv_fields(path) if is_csv else list(dict.fromkeys(n for r in records for n in r))
    if not records:
        raise SourceError(f"{path} holds no records")
    texts = [name for name in names if all(_may_be_text(r.get(name)) for r in records)]
    unique = [name for name in names if _is_unique([r.get(name) for r in records])]
    return Shape(str(path), tuple(names), tuple(texts), tuple(unique))


def shape_of_table(database: Database, table: str | None, schema: str | None) -> Shape:
    """The columns of a table, of the only one that looks like a corpus when none is named.

    Raises `SourceError`, which names the tables that are there.
    """
    with database.connect() as connection:
        inspector = inspect(connection)
        names = [
            name
            for name in (*inspector.get_table_names(schema), *inspector.get_view_names(schema))
            if not name.startswith(_LEDGER_PREFIX)
        ]
        if table is not None and table not in names:
            raise SourceError(
                f"{database.description} has no table {table!r}; it has: {_list(names)}"
            )
        if table is not None:
            return _shape(inspector, table, schema)
        return _only_plausible([_shape(inspector, n, schema) for n in names], database.description)


def _only_plausible(shapes: list[Shape], description: str) -> Shape:
    plausible = [shape for shape in shapes if is_plausible(shape)]
    if len(plausible) == 1:
        return plausible[0]
    if len(shapes) == 1:  # what is wrong with it is said when its columns are guessed
        return shapes[0]
    names = [shape.place for shape in plausible or shapes]
    problem = "more than one table could be meant" if plausible else "no table looks like a corpus"
    raise SourceError(f"{description}: {problem}: name one with --table; it has: {_list(names)}")


def _shape(inspector: Inspector, table: str, schema: str | None) -> Shape:
    columns = inspector.get_columns(table, schema)
    key = inspector.get_pk_constraint(table, schema)["constrained_columns"]
    constraints = inspector.get_unique_constraints(table, schema)
    groups = [list(key), *(list(each["column_names"]) for each in constraints)]
    kinds: dict[str, Any] = {column["name"]: column["type"] for column in columns}
    alone = [group[0] for group in groups if len(group) == 1]
    unique = [name for name in alone if isinstance(kinds[name], (types.Integer, String, Uuid))]
    texts = [name for name, kind in kinds.items() if isinstance(kind, String)]
    composite = tuple(key) if len(key) > 1 else ()
    return Shape(table, tuple(kinds), tuple(texts), tuple(dict.fromkeys(unique)), composite)


def _may_be_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_unique(values: list[object]) -> bool:
    usable = [v for v in values if isinstance(v, (int, str)) and not isinstance(v, bool)]
    return len(usable) == len(values) == len(set(usable))


def _list(names: list[str]) -> str:
    return ", ".join(sorted(names)) or "none"
