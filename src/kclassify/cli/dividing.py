"""Cuts a pass while it runs: `kclassify divide`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import anyio

from kclassify.adapters.from_config import runner_of
from kclassify.cli.begun import shard_count, unfinished_pass
from kclassify.cli.ledger_access import ledger_reader
from kclassify.cli.start_report import Cut
from kclassify.config import Settings
from kclassify.core.decision import Decision
from kclassify.core.passes import Mode
from kclassify.runner import ReclassifyRunner
from kclassify.store.reading import PassReport


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOrder:
    """What is to be cut into how many parts: a pass in one piece, or a shard of it."""

    mode: Mode
    into: int
    shard: int | None = None
    model: str | None = None


def carry_out_cut(settings: Settings, order: CutOrder) -> Cut:
    """Cut it, or have its worker cut it. Raises `UsageError` and `DatabaseError`."""
    with runner_of(settings, order.model) as runner:
        cut = anyio.run(partial(_divide, runner, order))
    with ledger_reader(settings) as reader:
        if not isinstance(cut, int):
            found = unfinished_pass(reader, settings.run.name, order.mode)
            return _not_yet(found, cut)
        passes = {each.number: each for each in reader.status(settings.run.name).passes}
    return Cut(cut, shard_count(passes[cut]), None)


def _not_yet(found: PassReport | None, decision: Decision) -> Cut:
    if found is None:
        return Cut(None, 0, decision)
    return Cut(found.number, shard_count(found), decision)


async def _divide(runner: ReclassifyRunner, order: CutOrder) -> int | Decision:
    try:
        return await runner.divide(into=order.into, mode=order.mode, shard=order.shard)
    finally:
        with anyio.CancelScope(shield=True):
            await runner.classifier.aclose()
