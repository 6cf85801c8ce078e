"""A table as it is in the database: found by reflection, with the columns that are asked of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, MetaData, Table, func, inspect, select, types
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.exc import SAWarning

from kclassify.sources.text import key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Inspector

    from kclassify.errors import UsageError

EXAMPLES = 5
_NEVER_KEYS = (
    types.Enum,
    types.JSON,
    types.Boolean,
    types.Float,
    types.LargeBinary,
    types.Date,
    types.DateTime,
    types.Time,
    types.Interval,
    types.ARRAY,
)
_KEYS = (types.Integer, types.String, types.Uuid)


class AsStored(types.UserDefinedType[Any]):
    """Values as the driver gives and takes them.

    With a type of its own on the value, PostgreSQL would compare a citext or a padded text by other
    rules than it sorts them by.
    """

    cache_ok = True


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A reflected table.

    The columns that were asked for are `AsStored` in `table`; `types` tells how they were declared.
    `unique` are the columns that alone are declared unique, `primary_key` those that are together,
    `filled` those that are declared to hold no NULL.
    """

    name: str
    table: Table
    types: Mapping[str, types.TypeEngine[Any]]
    primary_key: tuple[str, ...]
    unique: frozenset[str]
    filled: frozenset[str]


def find_table(
    connection: Connection,
    name: str,
    schema: str | None,
    wanted: Collection[str],
    error: type[UsageError],
) -> FoundTable:
    """Reflect a table or a view; `error` names what is missing and what exists."""
    with warnings.catch_warnings():
        # A type that SQLAlchemy does not know is none of our columns, or is refused below.
        warnings.simplefilter("ignore", SAWarning)
        inspector = inspect(connection)
        name, schema = _locate(inspector, name, schema, error)
        there = inspector.get_columns(name, schema)
        declared = {c["name"]: _plain(c["type"]) for c in there}
        full_name = f"{schema}.{name}" if schema else name
        for column in wanted:
            if column not in declared:
                raise error(f"{full_name} has no column {column!r}; it has: {', '.join(declared)}")
        columns = (
            Column(column, AsStored() if column in wanted else kind)
            for column, kind in declared.items()
        )
        primary_key = tuple(inspector.get_pk_constraint(name, schema)["constrained_columns"])
        unique = frozenset(_unique(inspector, name, schema, primary_key))
    table = Table(name, MetaData(), *columns, schema=schema)
    filled = frozenset(c["name"] for c in there if not c["nullable"])
    return FoundTable(full_name, table, declared, primary_key, unique, filled)


def check_key(connection: Connection, found: FoundTable, key: str, error: type[UsageError]) -> None:
    """Raise `error` unless the column holds a unique integer, text or UUID in every row."""
    kind = found.types[key]
    untyped = connection.dialect.name == "sqlite" and not isinstance(kind, _NEVER_KEYS)
    if isinstance(kind, _NEVER_KEYS) or not (untyped or isinstance(kind, _KEYS)):
        raise error(
            f"the key {key!r} of {found.name} is {kind}: "
            "a key is an integer, a text or a UUID column"
        )
    if key in found.primary_key and len(found.primary_key) > 1 and key not in found.unique:
        raise error(
            f"{found.name} has the composite primary key ({', '.join(found.primary_key)}), which "
            "cannot order a run: name a column that is unique by itself"
        )
    _check_values(connection, found, key, error)


def _locate(
    inspector: Inspector, name: str, schema: str | None, error: type[UsageError]
) -> tuple[str, str | None]:
    if inspector.has_table(name, schema):
        return name, schema
    first, dot, rest = name.partition(".")
    if dot and schema is None and inspector.has_table(rest, first):
        return rest, first
    exist = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    place = f" in the schema {schema!r}" if schema else ""
    there = f"there are: {', '.join(sorted(exist))}" if exist else "there are none"
    raise error(f"there is no table {name!r}{place}; {there}")


def _plain(kind: types.TypeEngine[Any]) -> types.TypeEngine[Any]:
    return kind.data_type if isinstance(kind, DOMAIN) else kind


def _unique(
    inspector: Inspector, name: str, schema: str | None, primary_key: tuple[str, ...]
) -> list[str]:
    groups: list[Sequence[str | None]] = [primary_key]
    groups += [c["column_names"] for c in inspector.get_unique_constraints(name, schema)]
    for index in inspector.get_indexes(name, schema):
        options = index.get("dialect_options", {})
        partial = any(
            name.endswith("_where") for name, value in options.items() if value is not None
        )
        if index["unique"] and not partial:
            groups.append(index["column_names"])
    return [group[0] for group in groups if len(group) == 1 and group[0] is not None]


def _check_values(
    connection: Connection, found: FoundTable, key: str, error: type[UsageError]
) -> None:
    if connection.dialect.name == "sqlite":
        if not _is_rowid(connection, found, key):
            _check_storage(connection, found, key, error)
    elif key not in found.filled:
        _check_filled(connection, found, key, error)
    if key in found.unique:
        return
    column = found.table.c[key]
    repeated = select(column).group_by(column).having(func.count() > 1).order_by(column)
    keys = connection.scalars(repeated.limit(EXAMPLES)).all()
    if keys:
        shown = ", ".join(repr(key_of(value, found.name, key)) for value in keys)
        raise error(f"the key {key!r} of {found.name} is not unique: more than once {shown}")


def _is_rowid(connection: Connection, found: FoundTable, key: str) -> bool:
    """Whether it is another name of SQLite's rowid: the only column that no other value enters.

    Every other primary key has an index of its own.
    """
    if found.primary_key != (key,):
        return False
    indexes = func.pragma_index_list(found.table.name, found.table.schema or "main")
    its_own = select(indexes.table_valued("origin").c.origin)
    return "pk" not in connection.scalars(its_own).all()


def _check_filled(
    connection: Connection, found: FoundTable, key: str, error: type[UsageError]
) -> None:
    is_missing = found.table.c[key].is_(None)
    missing = connection.scalar(select(func.count()).select_from(found.table).where(is_missing))
    if missing:
        raise error(_without_key(missing, found, key))


def _without_key(rows: int, found: FoundTable, key: str) -> str:
    return f"{rows} rows of {found.name} have no key: {key!r} is NULL there"


def _check_storage(
    connection: Connection, found: FoundTable, key: str, error: type[UsageError]
) -> None:
    # SQLite lets any type into any column, and sorts and compares by the type that is there.
    column = found.table.c[key]
    storage = func.typeof(column)
    kinds = connection.execute(
        select(storage, func.count(), func.min(column)).group_by(storage).order_by(storage)
    ).all()
    for kind, rows, _ in kinds:
        if kind == "null":
            raise error(_without_key(rows, found, key))
    if len(kinds) > 1:
        shown = ", ".join(f"{rows} {kind} (such as {least!a})" for kind, rows, least in kinds)
        raise error(f"the key {key!r} of {found.name} mixes types: {shown}")
    if kinds and kinds[0][0] not in {"integer", "text"}:
        raise error(
            f"the key {key!r} of {found.name} is stored as {kinds[0][0]}: "
            "a key is an integer, a text or a UUID"
        )
