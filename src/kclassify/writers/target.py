"""The table that is written to, and whether many of its rows can be set by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Text,
    bindparam,
    cast,
    column,
    exists,
    false,
    literal,
    select,
    table,
    types,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from kclassify.row_sets import among_given, given_rows, given_values, is_sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Select, Update

    from kclassify.core.item import Key
    from kclassify.sources.table import FoundTable
    from kclassify.writers.extra import ExtraColumns

# A parameter that is named like a column of the table would be taken for that column's new value.
AT_KEY, OLD_LABEL, NEW_LABEL = GIVEN = ("kclassify_key", "kclassify_old", "kclassify_new")
"""What `Target.all_at_once` takes of each row."""
AMONG_KEYS = "kclassify_keys"
_PLAIN_TEXT = (types.TEXT, types.VARCHAR)
_BIGINT = range(-(2**63), 2**63)


def beside(number: int) -> str:
    """What `Target.one_by_one` takes for the extra column of this number."""
    return f"{NEW_LABEL}_{number}"


@dataclass(frozen=True)
class Target:
    """The columns of the key and of the label, and those beside it.

    `key_type` is that of a key that compares by its value alone: PostgreSQL then finds and sets
    many rows by one statement. Of any other key (padded, or of any case) it is None.
    """

    found: FoundTable
    key_name: str
    label_name: str
    extra: ExtraColumns
    key_type: types.TypeEngine[Any] | None
    is_sqlite: bool

    @cached_property
    def key(self) -> ColumnElement[Any]:
        """The column of the key."""
        return self.found.table.c[self.key_name]

    @cached_property
    def label(self) -> ColumnElement[Any]:
        """The column of the label."""
        return self.found.table.c[self.label_name]

    def as_text(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """As PostgreSQL reads and takes every type; SQLite stores whatever it is given."""
        return value if self.is_sqlite else cast(value, Text)

    @cached_property
    def locked(self) -> Select[*tuple[Any, ...]]:
        """Key, label and extra columns of rows, in the order of their keys, locked."""
        columns = (self.label, *(self.found.table.c[name] for name in self.extra.names))
        query = select(self.key, *map(self.as_text, columns)).order_by(self.key)
        return query.where(self._is_among).with_for_update()

    @cached_property
    def _is_among(self) -> ColumnElement[bool]:
        if self.is_sqlite or self.key_type is not None:
            return among_given(self.key, AMONG_KEYS, self.key_type, on_sqlite=self.is_sqlite)
        return self.key.in_(bindparam(AMONG_KEYS, expanding=True))

    def among(self, keys: Sequence[Key]) -> dict[str, Any]:
        """The parameters of `locked`."""
        return {AMONG_KEYS: given_values(keys, on_sqlite=self.is_sqlite)}

    def can_hold(self, key: Key) -> bool:
        """False for a key that no row can have: the database would not even compare it."""
        if isinstance(key, int) and key not in _BIGINT:
            return False
        if self.is_sqlite:
            return isinstance(key, int | str)
        return self.key_type is None or isinstance(key, self.key_type.python_type)

    @cached_property
    def one_by_one(self) -> Update:
        """Sets a row that still has the label from before, with the columns beside it."""
        values: dict[Any, Any] = {self.label: bindparam(NEW_LABEL)}
        for number, name in enumerate(self.extra.names):
            values[self.found.table.c[name]] = bindparam(beside(number))
        unchanged = self.as_text(self.label).is_not_distinct_from(bindparam(OLD_LABEL))
        is_it = self.key == bindparam(AT_KEY)
        return update(self.found.table).where(is_it, unchanged).values(values)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters of `one_by_one`: those of `GIVEN`, then one for each extra column."""
        return (*GIVEN, *map(beside, range(len(self.extra.names))))

    @cached_property
    def as_sqlite_takes_it(self) -> tuple[str, itemgetter[tuple[Any, ...]]]:
        """The text of `one_by_one`, and what brings values of `names` in the order of the text."""
        compiled = self.one_by_one.compile(dialect=sqlite.dialect())
        places = map(self.names.index, compiled.positiontup or ())
        return str(compiled), itemgetter(*places)

    @cached_property
    def all_at_once(self) -> Update | None:
        """Sets all rows that still have the labels from before; None where that cannot be said."""
        if self.is_sqlite or self.key_type is None or self.extra.names:
            return None
        kinds = (self.key_type, Text(), Text())
        given = given_rows([column(*pair) for pair in zip(GIVEN, kinds, strict=True)])
        declared = self.found.types[self.label_name]
        # Any kind of text takes a text, and refuses one that is too long; an enum takes none.
        is_enum = isinstance(declared, types.Enum)
        new = cast(given.c[NEW_LABEL], declared) if is_enum else given.c[NEW_LABEL]
        unchanged = self.as_text(self.label).is_not_distinct_from(given.c[OLD_LABEL])
        is_it = self.key == given.c[AT_KEY]
        return update(self.found.table).where(is_it, unchanged).values({self.label: new})


def target_of(
    connection: Connection, found: FoundTable, key: str, label: str, extra: ExtraColumns
) -> Target:
    """The target in a table as it is in the database."""
    on_sqlite = is_sqlite(connection)
    kind = None
    if not on_sqlite and _is_plain(connection, found):
        kind = _compared_as(found.types[key])
    return Target(found, key, label, extra, kind, on_sqlite)


def _compared_as(declared: types.TypeEngine[Any]) -> types.TypeEngine[Any] | None:
    if isinstance(declared, types.Integer):
        return types.BigInteger()
    if isinstance(declared, types.Uuid):
        return types.Uuid()
    return Text() if type(declared) in _PLAIN_TEXT else None


def _is_plain(connection: Connection, found: FoundTable) -> bool:
    """Whether no trigger, rule or other table has a say when its rows are set.

    A trigger sees the rows of one statement together, those of many statements one by one.
    """
    name = connection.dialect.identifier_preparer.format_table(found.table)
    tables = table("pg_class", *map(column, ("oid", "relkind", "relhasrules", "relhassubclass")))
    triggers = table("pg_trigger", *map(column, ("tgrelid", "tgisinternal")))
    moved = exists().where(triggers.c.tgrelid == tables.c.oid, triggers.c.tgisinternal == false())
    query = select(tables.c.oid).where(
        tables.c.oid == cast(literal(name), postgresql.REGCLASS),
        tables.c.relkind == "r",
        tables.c.relhasrules == false(),
        tables.c.relhassubclass == false(),
        ~moved,
    )
    return connection.scalar(query) is not None
