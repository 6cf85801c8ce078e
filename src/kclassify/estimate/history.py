"""What a ledger knows of earlier calls of a classifier: replies, seconds, doubt."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Double, Select, case, cast, func, or_, select

from kclassify.core.figure import Figure, mean_from_sums, share_of
from kclassify.core.spending import Spending
from kclassify.core.verdict import OutcomeKind
from kclassify.database import Database
from kclassify.errors import ConfigError
from kclassify.store import LedgerReader
from kclassify.store.call_tables import steps
from kclassify.store.spent import spending_of
from kclassify.store.tables import verdicts
from kclassify.store.verdicts import in_chunks

_ENOUGH = 2
"""Verdicts without which there is no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What earlier calls came to; None where there were none, or too few.

    `reply` is output tokens of a text, both questions included where it was asked twice; `asked`
    how many questions a call was; `seconds` how long it took.
    """

    verdicts: int = 0
    reply: Figure | None = None
    asked: Figure | None = None
    seconds: float | None = None


class Past:
    """Reads a ledger that is there. Raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answered(self, digests: Collection[str], fingerprint: str) -> set[str]:
        """Which of these item digests this classifier has answered for."""
        found: set[str] = set()
        with self._database.connect() as connection:
            for chunk in in_chunks(digests):
                query = select(verdicts.c.item_digest).where(
                    verdicts.c.item_digest.in_(chunk), verdicts.c.fingerprint == fingerprint
                )
                found.update(connection.scalars(query))
        return found

    def spending(self, run: str) -> Spending:
        """What the run of this name has spent; nothing where there is none."""
        with self._database.connect() as connection:
            return spending_of(connection, run)

    def history(self, fingerprint: str) -> History:
        """What the calls of this classifier came to, in all runs."""
        with self._database.connect() as connection:
            row = connection.execute(_replies(fingerprint)).one()
            if row.paid < _ENOUGH:
                return History(verdicts=row.paid)
            return History(
                verdicts=row.paid,
                reply=mean_from_sums(row.paid, float(row.total), float(row.squares)),
                asked=_asked(connection, fingerprint),
                seconds=_seconds(connection, fingerprint),
            )

    def doubtful(self, fingerprint: str, below: float) -> Figure | None:
        """The share of its texts that a cascade would ask a second model about; None of none."""
        doubt = or_(
            verdicts.c.kind != OutcomeKind.JUDGED.value,
            verdicts.c.confidence < below,
        )
        query = select(func.count().label("paid"), _counted(doubt).label("doubtful")).where(
            verdicts.c.fingerprint == fingerprint, _is_paid()
        )
        with self._database.connect() as connection:
            row = connection.execute(query).one()
        return share_of(int(row.doubtful), row.paid) if row.paid else None


@contextmanager
def open_past(url: str) -> Generator[Past | None]:
    """The ledger there, None where no run has used one yet: none is created.

    Raises `DatabaseError` when it cannot be reached.
    """
    try:
        database = Database(url)
    except ConfigError:  # there is no file, or no folder for it
        yield None
        return
    with closing(database):
        yield Past(database) if LedgerReader(database).runs() else None


def _replies(fingerprint: str) -> Select[Any, Any, Any]:
    tokens = cast(verdicts.c.output_tokens, Double)
    return select(
        func.count().label("paid"),
        func.sum(tokens).label("total"),
        func.sum(tokens * tokens).label("squares"),
    ).where(verdicts.c.fingerprint == fingerprint, verdicts.c.output_tokens > 0)


def _asked(connection: Connection, fingerprint: str) -> Figure | None:
    """Questions of a call: 1, and the share of calls that asked twice."""
    query = select(func.sum(steps.c.questions), func.sum(steps.c.calls)).where(
        steps.c.fingerprint == fingerprint
    )
    questions, calls = (int(each or 0) for each in connection.execute(query).one())
    if not calls:
        return None
    twice = share_of(min(calls, max(0, questions - calls)), calls)
    return Figure(1 + twice.value, 1 + twice.low, 1 + twice.high)


def _seconds(connection: Connection, fingerprint: str) -> float | None:
    """Mean seconds of a call, those of batches left out: they took no time here."""
    query = select(func.sum(steps.c.seconds), func.sum(steps.c.calls)).where(
        steps.c.fingerprint == fingerprint, steps.c.seconds > 0
    )
    seconds, calls = connection.execute(query).one()
    return float(seconds) / float(calls) if calls else None


def _is_paid() -> Any:  # noqa: ANN401 - an expression of SQLAlchemy's
    return verdicts.c.kind.in_([kind.value for kind in OutcomeKind if kind.is_paid])


def _counted(condition: Any) -> Any:  # noqa: ANN401 - the same
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
