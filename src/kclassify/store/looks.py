"""The looks at a labelled sample: who scored which classifier on it, and as which look that counts.

Each look at a sample makes what it says of the next classifier less worth: they are counted, not
forbidden.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from kclassify.store.insert import insert_or_ignore
from kclassify.store.tables import looks
from kclassify.store.verdicts import in_chunks


@dataclass(frozen=True, slots=True)
class Look:
    """One classifier scored on one sample. `at` is Unix time in seconds, of the first time.

    `number` counts from 1 per sample. `verdict` is what the latest evaluation said, `sealed`
    whether any of them looked at the sealed holdout.
    """

    sample: str
    fingerprint: str
    number: int
    at: float
    verdict: str
    sealed: bool


def add_look(connection: Connection, look: Look) -> int:
    """Record a look, whose own `number` does not count; the number that it has.

    The same classifier on the same sample is the same look. Who comes at the same time gets the
    next number, since both the look and its number are unique.
    """
    while True:
        found = _number(connection, look)
        if found is not None:
            _renew(connection, look)
            return found
        _try_to_add(connection, look)


def looks_at(connection: Connection, samples: Collection[str]) -> list[Look]:
    """The looks at any of these samples, the oldest first."""
    found: list[Look] = []
    for chunk in in_chunks(samples):
        query = select(looks).where(looks.c.sample.in_(chunk))
        found += [Look(**row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda look: (look.at, look.sample, look.number))


def _number(connection: Connection, look: Look) -> int | None:
    return connection.scalar(
        select(looks.c.number).where(
            looks.c.sample == look.sample, looks.c.fingerprint == look.fingerprint
        )
    )


def _renew(connection: Connection, look: Look) -> None:
    connection.execute(
        looks.update()
        .where(looks.c.sample == look.sample, looks.c.fingerprint == look.fingerprint)
        .values(verdict=look.verdict, **({"sealed": True} if look.sealed else {}))
    )


def _try_to_add(connection: Connection, look: Look) -> None:
    query = select(func.max(looks.c.number)).where(looks.c.sample == look.sample)
    number = 1 + (connection.scalar(query) or 0)
    connection.execute(
        insert_or_ignore(connection, looks),
        {
            "sample": look.sample,
            "fingerprint": look.fingerprint,
            "number": number,
            "at": look.at,
            "verdict": look.verdict,
            "sealed": look.sealed,
        },
    )
