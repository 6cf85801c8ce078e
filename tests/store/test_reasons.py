"""Why a pass may write is kept, all of it, when it goes on for another reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.decision import Advance
from kclassify.database import Database
from kclassify.store import LedgerReader, SqlLedger
from kclassify.store.reasons import together
from kclassify.testing.contracts.ledger_material import NOW, open_pass
from kclassify.testing.memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.ports import Ledger

GIVEN: list[dict[str, Any]] = [
    {"override": "agreed", "gate_refusal": "it expired"},
    {"gate": "a" * 64},
    {},
    {"override": "agreed"},
    {"gate": "b" * 64},
    {"override": "agreed again", "gate_refusal": "it failed"},
]


def go_on(ledger: Ledger) -> None:
    """One pass, resumed for all these reasons."""
    for given in GIVEN:
        ledger.close_step(open_pass(ledger, **given), Advance(None), NOW)


def test_the_ledger_keeps_every_reason(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", create=True)
    go_on(SqlLedger(database))
    (only,) = LedgerReader(database).status("r").passes
    database.close()
    assert only.override == "agreed\nagreed again"
    assert only.gate == "a" * 64 + "\n" + "b" * 64
    assert only.gate_refusal == "it expired\nit failed"


def test_the_memory_ledger_keeps_every_reason() -> None:
    ledger = MemoryLedger()
    go_on(ledger)
    (only,) = (each.request for each in ledger.runs["r"].passes)
    assert only.override == "agreed\nagreed again"
    assert only.gate == "a" * 64 + "\n" + "b" * 64
    assert only.gate_refusal == "it expired\nit failed"


@pytest.mark.parametrize(
    ("kept", "given", "both"),
    [
        (None, None, None),
        ("a", None, "a"),
        (None, "a", "a"),
        ("a", "a", "a"),
        ("a", "b", "a\nb"),
        ("a\nb", "a", "a\nb"),
        ("ab", "a", "ab\na"),
    ],
)
def test_no_reason_is_lost_or_there_twice(
    kept: str | None, given: str | None, both: str | None
) -> None:
    assert together(kept, given) == both
