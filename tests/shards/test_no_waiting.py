"""A worker whose transaction takes long keeps no worker of another shard from its work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kclassify import Database, SqlLedger
from kclassify.core.decision import Advance
from kclassify.ports import Mode, Pass
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    change,
    divided,
    open_pass,
    save,
)
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE_S = 20.0


def settles(ledger: SqlLedger, opened: Pass) -> None:
    """An item that ends as that of the other shard does, so that both count it alike."""
    save(ledger, opened, [change(3)], MemoryWriter({3: "convention"}))


def shares(ledger: SqlLedger, opened: Pass) -> None:
    ledger.share(opened, 8, 0, NOW, LEASE_S)


def beats(ledger: SqlLedger, opened: Pass) -> None:
    assert ledger.heartbeat(opened, NOW, LEASE_S)


def opens(ledger: SqlLedger, opened: Pass) -> None:
    del opened
    open_pass(ledger, holder="three", shard=3)


def closes(ledger: SqlLedger, opened: Pass) -> None:
    ledger.close_step(opened, Advance(None), NOW)


def ends(ledger: SqlLedger, opened: Pass) -> None:
    assert not ledger.end_shard(opened, NOW)


@pytest.mark.parametrize("act", [settles, shares, beats, opens, closes, ends])
def test_a_long_transaction_of_a_shard_keeps_no_other_waiting(
    postgres_url: str, act: Callable[[SqlLedger, Pass], None]
) -> None:
    with (
        closing(SqlLedger(Database(postgres_url))) as mine,
        closing(SqlLedger(Database(postgres_url))) as others,
        ThreadPoolExecutor(1) as pool,
    ):
        first = divided(mine, Mode.COMMIT)
        second = open_pass(others, holder="two")

        def meanwhile(connection: object, cursor: object) -> None:
            pool.submit(act, others, second).result(AT_ONCE_S)

        writer = MemoryWriter({1: "convention"})
        assert save(mine, first, [change(1)], writer, meanwhile).opened.settled == 1
