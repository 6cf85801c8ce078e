"""Cuts a pass that begins into shards, and a shard that is to be cut again."""

from __future__ import annotations

from dataclasses import replace

import anyio.abc

from kclassify.core.decision import Decision
from kclassify.core.passes import Mode, Pass
from kclassify.errors import UsageError
from kclassify.ports import Divisible, Source
from kclassify.runner.accompanied import accompanied
from kclassify.runner.lease import Heartbeat
from kclassify.runner.opening import survey
from kclassify.runner.parts import Limits, Parts


async def divide(parts: Parts, opened: Pass, limits: Limits) -> tuple[Pass | Decision, Limits]:
    """The pass or shard to work on, cut where it is to be, and the limits with what is known now.

    Raises `UsageError` for a source or a commit that cannot be shared, and for a shard of a pass in
    one piece.
    """
    into = wanted_parts(parts, opened, limits)
    if into > 1 or opened.shard is not None:
        refuse_sharing(parts, opened)
    if into > 1:
        return await _while_held(parts, opened, limits, into)
    if opened.shard is None and limits.shard is not None:
        raise UsageError(
            f"pass {opened.number} of run {opened.run!r} has no shard {limits.shard}: "
            "it is in one piece"
        )
    return opened, limits


async def _while_held(
    parts: Parts, opened: Pass, limits: Limits, into: int
) -> tuple[Pass | Decision, Limits]:
    """Count and cut, and keep the lease: of a large table that takes longer than a lease lasts."""

    async def count_and_cut(_: anyio.abc.TaskGroup) -> tuple[Pass | Decision, Limits]:
        told = limits if opened.resumed else replace(limits, items=await survey(parts))
        return await cut(parts, opened, into), told

    heart = Heartbeat(parts, lambda: opened, _go_on, _go_on)
    return await accompanied(heart.beat, count_and_cut)


def _go_on(*_: object) -> None:
    """What is lost or learned meanwhile is met by the ledger's next answer."""


def wanted_parts(parts: Parts, opened: Pass, limits: Limits) -> int:
    """Into how many parts this pass or shard is to be cut before anything of it is done.

    Whoever begins a pass says how many; who is sent to work on it, by its number, leaves it so.
    """
    is_new = opened.shard is None and not opened.resumed and limits.number is None
    return max(opened.wanted_parts, parts.settings.shards if is_new else 1)


def refuse_sharing(parts: Parts, opened: Pass) -> None:
    """Raise `UsageError` where several workers cannot share the work."""
    if opened.mode is Mode.COMMIT and parts.tranches is not None:
        raise UsageError(
            "a commit in tranches is written by one worker: leave out [gate] tranche, or shards"
        )
    divisible(parts.source)


def divisible(source: Source) -> Divisible:
    """The source, which several workers can share. Raises `UsageError` when they cannot."""
    if not isinstance(source, Divisible):
        raise UsageError(
            f"{source.description} cannot be divided into shards: that takes a table, or a source "
            "with `part` and `divide`"
        )
    return source


async def cut(parts: Parts, opened: Pass, into: int) -> Pass | Decision:
    """Cut what is left of it into parts of about one size; the first stays with this worker."""
    until = None if opened.shard is None else opened.shard.until
    source = divisible(parts.source)
    division = await parts.thread(source.divide, into, opened.start, until)
    now, lease_s = parts.clock.now(), parts.settings.lease_s
    return await parts.thread(parts.ledger.divide, opened, division, now, lease_s)
