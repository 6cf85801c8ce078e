"""What the suite for batches is made of: plans, remote batches and answers."""
# ruff: noqa: S101 - a suite of tests: assert is how it speaks

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kclassify.core.batch import (
    NONCE_CHARS,
    Answer,
    Batch,
    BatchPlan,
    PlannedRequest,
    RemoteBatch,
    Standing,
)
from kclassify.core.item import Key
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.ports import Ledger, Pass
from kclassify.testing.contracts.ledger_material import (
    FINGERPRINT,
    NOW,
    digest,
    failed,
    verdict_of,
)

COST = 1_000
NONCE = "n" * NONCE_CHARS


def digests(*keys: Key) -> list[str]:
    """The digests of the items with these keys."""
    return [digest(key) for key in keys]


def plan_of(
    *keys: Key, reached: Key | None = None, is_all: bool = False, held: int = 0, nonce: str = NONCE
) -> BatchPlan:
    """A batch of these items; it reaches the last one when nothing else is said."""
    asked = [PlannedRequest(each) for each in digests(*keys)]
    return BatchPlan(asked, keys[-1] if reached is None else reached, is_all, nonce, held)


def planned(ledger: Ledger, opened: Pass, plan: BatchPlan) -> tuple[Pass, Batch]:
    """The pass and the batch after this plan; an assertion fails when it is refused."""
    given = ledger.batches.plan(opened, plan, NOW)
    assert isinstance(given, tuple), given
    return given


def remote(name: str = "msgbatch_1", *, is_ended: bool = False) -> RemoteBatch:
    """A batch at the provider, which keeps it for a day."""
    return RemoteBatch(name, is_ended, NOW + 1, NOW + 86_400)


def in_flight(
    ledger: Ledger, opened: Pass, *keys: Key, held: int = 0, name: str = "msgbatch_1"
) -> tuple[Pass, Batch]:
    """The pass and a batch of these items that the provider has."""
    opened, batch = planned(ledger, opened, plan_of(*keys, held=held))
    return opened, ledger.batches.sent(batch, remote(name), NOW + 2)


def answer(key: Key, label: str = "playbook", cost: int = COST) -> Answer:
    """A verdict on an item, that cost so much."""
    return Answer(digest(key), replace(verdict_of(label), cost=cost), is_final=True)


def unanswered(
    key: Key,
    kind: OutcomeKind = OutcomeKind.UNAVAILABLE,
    *,
    is_final: bool = False,
    counts: bool = True,
) -> Answer:
    """No answer, and no bill for it."""
    outcome = replace(failed(kind), usage=Usage())
    return Answer(digest(key), outcome, is_final=is_final, counts=counts)


def collect(ledger: Ledger, opened: Pass, batch: Batch, answers: Sequence[Answer]) -> int:
    """Store these results; how many were not there before."""
    return len(ledger.batches.collect(opened, FINGERPRINT, batch, answers, NOW + 3))


def known(ledger: Ledger, opened: Pass, batch: Batch) -> Batch | None:
    """A batch as the ledger has it now; None when it is over."""
    standing = ledger.batches.standing(opened)
    return next((each for each in standing.batches if each.id == batch.id), None)


def held_for(ledger: Ledger, opened: Pass, batch: Batch) -> int | None:
    """What is held for a batch; None when it is over."""
    found = known(ledger, opened, batch)
    return None if found is None else found.held


def again(ledger: Ledger, opened: Pass) -> int:
    """How many items must be asked again."""
    return ledger.batches.standing(opened).again


def reach(standing: Standing) -> tuple[Key | None, bool]:
    """How far items were planned, and whether that is all."""
    return standing.reached, standing.is_all


def recalled(ledger: Ledger, key: Key) -> Outcome[str] | None:
    """The verdict on an item, where there is one."""
    return ledger.recall([digest(key)], FINGERPRINT).get(digest(key))
