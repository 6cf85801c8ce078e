"""What the requests of batches came to: each stored once, whoever reads it how often."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from kclassify.core.batch import Answer, Batch, BatchStatus, Tried
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.verdict import OutcomeKind
from kclassify.ports import Pass
from kclassify.store import steps, verdicts
from kclassify.store.batch_rows import UNREAD, no_longer_held
from kclassify.store.call_tables import batches, requests
from kclassify.store.tables import passes
from kclassify.store.text import storable
from kclassify.store.verdicts import in_chunks

UNANSWERED = "the batch ended without a result for it"


def collect(
    connection: Connection,
    opened: Pass,
    fingerprint: str,
    batch: Batch,
    answers: Sequence[Answer],
    now: float,
) -> list[Answer]:
    """Store results, with verdicts and charge; those that were not there before."""
    # Who reads the same batch waits here, and finds these results stored.
    connection.execute(select(batches).where(batches.c.id == batch.id).with_for_update())
    fresh = _fresh(connection, batch, answers)
    _mark(connection, batch, fresh)
    verdicts.record(connection, fingerprint, paid(fresh), now)
    charge = charge_of(fresh)
    steps.charge(connection, opened.step, charge, now, is_batch=True)
    spent = charge.cost + charge.uncertain
    values = {"held": no_longer_held(batches, spent)}
    connection.execute(batches.update().where(batches.c.id == batch.id).values(values))
    return fresh


def paid(answers: Sequence[Answer]) -> list[tuple[str, Any]]:
    """Those that are verdicts from now on, by item digest."""
    return [
        (answer.digest, answer.outcome)
        for answer in answers
        if answer.is_final and answer.outcome.kind.is_paid
    ]


def charge_of(answers: Sequence[Answer]) -> Charge:
    """What all of them came to."""
    return sum((Charge.of(answer.outcome) for answer in answers), NOTHING)


def _fresh(connection: Connection, batch: Batch, answers: Sequence[Answer]) -> list[Answer]:
    """The answers to requests that have none yet; the first where a digest comes twice."""
    first = {answer.digest: answer for answer in reversed(answers)}
    waiting: list[str] = []
    for chunk in in_chunks(first):
        query = select(requests.c.item_digest).where(
            requests.c.batch_id == batch.id,
            requests.c.item_digest.in_(chunk),
            requests.c.kind.is_(None),
        )
        waiting += connection.scalars(query)
    return [first[digest] for digest in waiting]


def _mark(connection: Connection, batch: Batch, answers: Sequence[Answer]) -> None:
    statement = requests.update().where(
        requests.c.batch_id == batch.id,
        requests.c.item_digest == bindparam("its_digest"),
        requests.c.kind.is_(None),
    )
    rows = [
        {
            "its_digest": answer.digest,
            "kind": answer.outcome.kind.value,
            "detail": storable(answer.outcome.detail),
            "is_final": answer.is_final,
            "counts": answer.counts,
        }
        for answer in answers
    ]
    if rows:
        connection.execute(statement, rows)


def mark_unanswered(connection: Connection, batch: Batch) -> None:
    """What has no result is asked again, and that is nobody's fault."""
    unanswered = {"kind": OutcomeKind.UNAVAILABLE, "detail": UNANSWERED}
    connection.execute(
        requests.update()
        .where(requests.c.batch_id == batch.id, requests.c.kind.is_(None))
        .values(unanswered | {"is_final": False, "counts": False})
    )


def was_answered(connection: Connection, opened: Pass) -> bool:
    """Whether anything of the batch of a pass that was read last was answered; True without one."""
    of_pass = batches.c.pass_id == opened.id, batches.c.status == BatchStatus.READ
    in_order = batches.c.over_at.desc(), batches.c.id.desc()
    last = connection.scalar(select(batches.c.id).where(*of_pass).order_by(*in_order).limit(1))
    is_answer = requests.c.kind.in_([kind for kind in OutcomeKind if kind.is_paid])
    query = select(requests.c.batch_id).where(requests.c.batch_id == last, is_answer).limit(1)
    return last is None or connection.scalar(query) is not None


def tried(connection: Connection, opened: Pass, digests: Collection[str]) -> dict[str, Tried]:
    """What these items met in all batches of a pass, or wait for in others of its run."""
    found = met(connection, opened.id, digests)
    for digest in _in_flight_elsewhere(connection, opened, digests):
        found[digest] = replace(found.get(digest, Tried()), in_flight=True)
    return found


def met(connection: Connection, pass_id: int, digests: Collection[str]) -> dict[str, Tried]:
    """What these items met in all batches of a pass, by item digest."""
    found: dict[str, Tried] = {}
    for chunk in in_chunks(digests):
        query = (
            select(requests)
            .where(requests.c.pass_id == pass_id, requests.c.item_digest.in_(chunk))
            .order_by(requests.c.batch_id)
        )
        for row in connection.execute(query):
            found[row.item_digest] = _with(found.get(row.item_digest, Tried()), row)
    return found


def _in_flight_elsewhere(
    connection: Connection, opened: Pass, digests: Collection[str]
) -> Iterator[str]:
    """Those that wait in a batch of another pass of the run, for the same classifier."""
    ours = passes.alias()
    query = (
        select(batches.c.id)
        .join(ours, (ours.c.run_id == batches.c.run_id) & (ours.c.id != batches.c.pass_id))
        .where(
            ours.c.id == opened.id,
            batches.c.fingerprint == ours.c.fingerprint,
            batches.c.status.in_(UNREAD),
        )
    )
    for batch in connection.scalars(query).all():
        for chunk in in_chunks(digests):
            waiting = requests.c.item_digest.in_(chunk) & requests.c.kind.is_(None)
            of_batch = select(requests.c.item_digest).where(requests.c.batch_id == batch, waiting)
            yield from connection.scalars(of_batch)


def _with(before: Tried, row: Row[Any]) -> Tried:
    """What an item met, with a request that is later than those."""
    has_result = row.kind is not None
    return Tried(
        in_flight=before.in_flight or not has_result,
        attempts=before.attempts + row.counts,
        is_final=before.is_final or row.is_final,
        kind=OutcomeKind(row.kind) if has_result else before.kind,
        detail=row.detail if has_result else before.detail,
        worst=row.worst,
        body_chars_cut=row.body_chars_cut,
    )
