"""A table whose rows belong to tenants."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import create_engine, text

from tests.cli.listed_jobs import JOBS
from tests.cli.place import SETTINGS, Place, rows

OWNED = SETTINGS.replace("[runner]", 'tenant = "owner"\n\n[runner]') + JOBS


def settle_tenants(
    place: Place, owners: Sequence[object], kind: str = "TEXT", more: str = ""
) -> None:
    """A row of each owner in turn; `kind` is the type of the column, `more` further settings."""
    place.settle(rows(len(owners)))
    place.write("kclassify.toml", OWNED.format(url=place.url) + more)
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE articles ADD COLUMN owner {kind}"))
        for key, owner in enumerate(owners, 1):
            connection.execute(
                text("UPDATE articles SET owner = :owner WHERE id = :key"),
                {"owner": owner, "key": key},
            )
    engine.dispose()


def moved(place: Place) -> set[int]:
    """The keys of the rows that have another label than at first."""
    return {key for key, label in place.labels().items() if label != "convention"}
