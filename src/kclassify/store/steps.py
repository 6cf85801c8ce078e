"""The rows of steps: begun, charged with what their calls cost, ended.

The row of a step is the last that a transaction locks, after those of its run, pass and breaker.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select

from kclassify.core.decision import Decision
from kclassify.core.spending import NOTHING, Charge
from kclassify.core.verdict import Usage
from kclassify.ports import Pass, PassRequest
from kclassify.store.batch_rows import no_longer_held
from kclassify.store.call_tables import steps
from kclassify.store.endings import tell
from kclassify.store.places import shard_number
from kclassify.store.text import storable


def begin(
    connection: Connection, run_id: int, opened: Pass, request: PassRequest, now: float
) -> Pass:
    """The pass with a row for this step, and when its classifier was last answered in this run."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "pass_id": opened.id,
        "shard": shard_number(opened),
        "holder": opened.holder,
        "fingerprint": request.fingerprint,
        "model": request.model,
        "began_at": now,
    }
    insert = steps.insert().returning(steps.c.id)
    identity = connection.execute(insert, values).scalar_one()
    last = _last_call_at(connection, run_id, request.fingerprint)
    return replace(opened, step=identity, last_call_at=last)


def _last_call_at(connection: Connection, run_id: int, fingerprint: str) -> float | None:
    # No index leads to it: one that moves with every call makes each of them dearer than this.
    query = select(steps.c.last_call_at).where(
        steps.c.run_id == run_id,
        steps.c.fingerprint == fingerprint,
        steps.c.last_call_at.is_not(None),
    )
    return connection.scalar(query.order_by(steps.c.last_call_at.desc()).limit(1))


def hand_on(connection: Connection, opened: Pass) -> None:
    """The step goes on in the shard that its worker has by now."""
    _update(connection, opened.step, {"shard": shard_number(opened)})


def charge(
    connection: Connection,
    step: int,
    came_to: Charge,
    now: float,
    *,
    is_batch: bool = False,
    number: int | None = None,
) -> None:
    """Add what calls came to, whoever works there by now; that much less is held for them.

    A charge with a `number` is added once, however often its worker sends it. What is held for a
    batch is in its own row, and its answers keep no cache warm.
    """
    if not came_to:
        return
    keeps_warm = not is_batch and came_to.usage != Usage()
    statement = _charging(is_held=not is_batch, keeps_warm=keeps_warm, once=number is not None)
    connection.execute(
        statement,
        {
            "of_step": step,
            "of_number": number,
            "at": now,
            "released": came_to.cost + came_to.uncertain,
            **{f"more_{name}": amount for name, amount in _amounts(came_to).items()},
        },
    )


@cache
def _charging(*, is_held: bool, keeps_warm: bool, once: bool) -> Update:
    values: dict[str, Any] = {
        name: steps.c[name] + bindparam(f"more_{name}") for name in _amounts(NOTHING)
    }
    where = steps.c.id == bindparam("of_step")
    if is_held:
        values["held"] = no_longer_held(steps, bindparam("released"))
    if keeps_warm:
        values["last_call_at"] = bindparam("at")
    if once:
        values["charged"] = bindparam("of_number")
        where &= steps.c.charged < bindparam("of_number")
    return steps.update().where(where).values(values)


def _amounts(came_to: Charge) -> dict[str, Any]:
    usage = came_to.usage
    return {
        "calls": came_to.calls,
        "questions": came_to.questions,
        "seconds": came_to.seconds,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cost": came_to.cost,
        "unpriced": came_to.unpriced,
        "uncertain": came_to.uncertain,
    }


def let_go(connection: Connection, opened: Pass) -> None:
    """Nothing of this step is in flight any more, and nothing is held for it."""
    _update(connection, opened.step, {"held": 0})


def end(connection: Connection, opened: Pass, decision: Decision, now: float) -> None:
    """How the step ended, whoever opened its pass since. The first end counts."""
    let_go(connection, opened)
    first = (steps.c.id == opened.step) & steps.c.ended_at.is_(None)
    told = storable(tell(decision))
    connection.execute(steps.update().where(first).values(ended_at=now, decision=told))


def _update(connection: Connection, step: int, values: dict[str, Any]) -> None:
    connection.execute(steps.update().where(steps.c.id == step).values(values))
