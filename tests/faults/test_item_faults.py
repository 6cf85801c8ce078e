"""What is one item's own: the run goes on, and the item is named, left alone and asked again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kclassify import Done, OutcomeKind
from kclassify.store import forget_failures
from kclassify.testing import (
    BadConfidence,
    BadRequest,
    BrokenJson,
    Fault,
    Refusal,
    TooLarge,
    Truncation,
    WrongLabel,
)
from tests.faults.bench import BEFORE, ROWS, RUN, Bench
from tests.faults.matrix import Record, row_of

LASTS = 5


@dataclass(frozen=True)
class Useless:
    """A reply to one item that is of no use, and what the item is recorded as."""

    name: str
    fault: Fault
    kind: OutcomeKind


REPLIES = [
    Useless("broken JSON (prose), twice", BrokenJson(), OutcomeKind.INVALID),
    Useless("a label outside the taxonomy, twice", WrongLabel(), OutcomeKind.INVALID),
    Useless("a confidence out of range, twice", BadConfidence(), OutcomeKind.INVALID),
    Useless("a refusal", Refusal(), OutcomeKind.REFUSED),
    Useless("a truncated reply", Truncation(), OutcomeKind.TRUNCATED),
    Useless("400 about one item", BadRequest(), OutcomeKind.REJECTED),
    Useless("413", TooLarge(), OutcomeKind.TOO_LONG),
]


@pytest.mark.parametrize("useless", REPLIES, ids=lambda useless: useless.name)
async def test_a_useless_reply_is_its_items_own_and_pauses_nothing(
    useless: Useless, bench: Bench, record: Record
) -> None:
    bench.at(BEFORE, lambda: bench.stub.set_fault(useless.fault))
    bench.at(BEFORE + LASTS, lambda: bench.stub.set_fault(None))
    assert await bench.step() == Done()
    failed = bench.failures
    assert {failure.kind for failure in failed} == {useless.kind}
    assert 0 < len(failed) <= 2 * LASTS
    assert bench.categories == {"left": ROWS - len(failed), "old": len(failed)}
    assert forget_failures(bench.database, RUN, [useless.kind]) == len(failed)
    assert await bench.step() == Done()
    assert bench.failures == []
    assert bench.categories == {"left": ROWS}
    decision = f"`Done`; listed as {useless.kind}, asked again by `retry`"
    record(row_of("provider", useless.name, decision, bench.verify()))
