"""What a memory ledger remembers of steps: what their calls came to, and what they hold."""

from __future__ import annotations

from dataclasses import replace

from kclassify.core.decision import Decision
from kclassify.core.spending import NOTHING, Charge, Hold, Spending
from kclassify.core.verdict import Usage
from kclassify.ports import Pass
from kclassify.store.places import shard_number
from kclassify.testing.memory_place import MemoryShard
from kclassify.testing.memory_run import MemoryRun
from kclassify.testing.memory_step import MemoryStep


def begin_step(run: MemoryRun, opened: Pass, fingerprint: str, identity: int) -> Pass:
    """The pass with a step of this number, and when its classifier was last answered."""
    answered = [
        each.last_call_at
        for each in run.steps.values()
        if each.fingerprint == fingerprint and each.last_call_at is not None
    ]
    run.steps[identity] = MemoryStep(
        identity, opened.id, shard_number(opened), opened.holder, fingerprint
    )
    return replace(opened, step=identity, last_call_at=max(answered, default=None))


def add_charge(
    run: MemoryRun,
    opened: Pass,
    charge: Charge,
    now: float,
    *,
    is_batch: bool = False,
    number: int | None = None,
) -> None:
    """Add what calls came to; that much less is held for them, but for those of a batch.

    A charge with a `number` is added once.
    """
    step = run.steps.get(opened.step)
    if step is None or not charge or (number is not None and number <= step.charged):
        return
    step.charged = step.charged if number is None else number
    step.charge += charge
    if not is_batch:
        step.held = max(0, step.held - charge.cost - charge.uncertain)
        if charge.usage != Usage():
            step.last_call_at = now


def spending_of(run: MemoryRun) -> Spending:
    """What a run has spent in all its passes, and holds."""
    charge, held = NOTHING, sum(run.held_for_batches.values())
    for step in run.steps.values():
        charge, held = charge + step.charge, held + step.held
    return Spending(charge, held)


def reserve(run: MemoryRun, opened: Pass, budget: int, wanted: int, now: float) -> Hold:
    """Hold so much in all for calls of this step, or what there is of it."""
    left = max(0, budget - spending_of(run).most)
    step = run.steps.get(opened.step)
    others = _others_hold(run, opened, now)
    if step is None or step.has_ended:
        return Hold(0, left, others)
    before, step.held = step.held, min(wanted, step.held + left)
    return Hold(step.held, left + before - step.held, others)


def let_go(run: MemoryRun, opened: Pass) -> None:
    """Nothing of this step is in flight any more, and nothing is held for it."""
    step = run.steps.get(opened.step)
    if step is not None:
        step.held = 0


def end_step(run: MemoryRun, opened: Pass, decision: Decision, now: float) -> None:
    """How the step ended. The first end counts."""
    let_go(run, opened)
    step = run.steps.get(opened.step)
    if step is not None and not step.has_ended:
        step.ended_at, step.decision = now, decision


def _others_hold(run: MemoryRun, opened: Pass, now: float) -> bool:
    of_pass = (held for (number, _), held in run.held_for_batches.items() if number == opened.id)
    if any(of_pass):
        return True
    unended = [each for each in run.steps.values() if not each.has_ended]
    last = {(each.shard and each.pass_id, each.shard): each for each in unended}
    return any(
        each.held > 0 and each.id != opened.step and _is_leased(run, each, now)
        for each in last.values()
    )


def _is_leased(run: MemoryRun, step: MemoryStep, now: float) -> bool:
    """Whether the worker of this step has its place by now."""
    lease: MemoryRun | MemoryShard = run
    if step.shard:
        row = next(each for each in run.passes if each.opened.id == step.pass_id)
        lease = row.shards[step.shard - 1]
    return lease.holder == step.holder and lease.expires_at > now
