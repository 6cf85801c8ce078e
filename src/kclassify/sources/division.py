"""Parts of a table by key: the rows between two keys, and the keys that divide them evenly."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, true

from kclassify.core.division import Division

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from kclassify.core.item import Key


def between(
    key: ColumnElement[Any], after: Key | None, until: Key | None = None
) -> ColumnElement[bool]:
    """The rows whose keys follow `after` and do not follow `until`, as the database sorts them."""
    return and_(
        true() if after is None else key > after,
        true() if until is None else key <= until,
    )


def last_of_parts(
    key: ColumnElement[Any], where: ColumnElement[bool], parts: int
) -> Select[Any, int]:
    """The last key of each part, and its place among all of them, from 1.

    The parts differ by one row at most. There are none of no rows, and as many as rows where they
    are fewer than `parts`. One statement, so that all is counted on one snapshot.
    """
    # Keys alone are read, in order, so that an index is enough. A rank in a stream costs no memory,
    # and where no index gives the order there is one sort, not one a part.
    place = func.row_number().over(order_by=key).label("place")
    ranked = select(key.label("item_key"), place).where(where).subquery()
    counted = select(func.count().label("total")).select_from(key.table).where(where).subquery()
    # True at each place where `place * parts / total` reaches the next integer.
    is_last = (ranked.c.place * parts) % counted.c.total < parts
    found = select(ranked.c.item_key, ranked.c.place).select_from(ranked).join(counted, is_last)
    return found.order_by(ranked.c.place)


def division(last: Sequence[tuple[Key, int]]) -> Division:
    """The division that has these last keys at these places."""
    places = [0, *(place for _, place in last)]
    sizes = tuple(place - before for before, place in itertools.pairwise(places))
    return Division(tuple(key for key, _ in last[:-1]), sizes or (0,))
