"""Plans the next batch and creates it: the intent is stored before the provider hears of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import anyio

from kclassify.core.batch import Batch, BatchPlan, BatchRequest, BatchStatus, RemoteBatch, Standing
from kclassify.core.budget import out_of_budget
from kclassify.core.decision import Decision, Halt, Snooze, Superseded
from kclassify.core.spending import Hold
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.errors import UsageError
from kclassify.events import BatchChanged
from kclassify.runner.batch_choice import BatchChoice, Choice
from kclassify.runner.batch_draining import BatchDraining
from kclassify.runner.batch_parts import BatchParts, Trouble


class BatchPlanning:
    """One batch at a time, within what may be in flight and what the budget holds."""

    def __init__(self, shared: BatchParts, draining: BatchDraining) -> None:
        self._shared = shared
        self._draining = draining
        self._choice = BatchChoice(shared, draining)

    async def next(self, standing: Standing) -> bool | Decision | Outcome[str]:
        """Whether a batch was created; or why none can be.

        One whose fate is unknown is in flight: its items are not asked again.
        """
        is_full = len(standing.awaited) >= self._shared.provider.limits.in_flight
        if is_full or self._draining.is_at_end:
            return False
        choice = await self._choice.make(standing)
        if not choice.requests:
            return False
        probe = [choice.probe] if choice.is_all_failed else []
        if self._shared.parts.settings.budget is not None:
            refusal = await self._afford(choice, probe, standing)
            if refusal is not None:
                return refusal
        return await self._create(choice, probe) if choice.requests else False

    async def _afford(
        self, choice: Choice, probe: Sequence[BatchRequest], standing: Standing
    ) -> Snooze | Halt | None:
        """Hold what the requests can cost; those that do not fit are left for later.

        Raises `UsageError` where no price is known.
        """
        shared, budget = self._shared, self._shared.parts.settings.budget or 0
        first = sum(self._worst(request) for request in probe)
        each_worst = (self._worst(request) for request in choice.requests)
        sums = list(accumulate(each_worst, initial=first))[1:]
        hold = await self._hold(budget, sums)
        fitting = sum(each <= hold.held for each in sums)
        if fitting < len(sums):
            choice.shrink(fitting, standing)
        if fitting or standing.awaited:
            return None
        is_coming_back = hold.others or any(batch.held for batch in standing.strange)
        if is_coming_back and sums[0] <= budget:
            seconds = max(1, math.ceil(shared.provider.limits.poll_s))
            return Snooze(seconds, "budget: what is left of it is held by others of this run")
        spending = await shared.parts.thread(shared.parts.ledger.spending, shared.opened.run)
        settled = shared.opened.elsewhere + shared.opened.settled
        return out_of_budget(budget, spending, sums[0], settled)

    async def _hold(self, budget: int, sums: Sequence[int]) -> Hold:
        """Hold enough for as many of these sums as fit.

        No more than those need: what one worker holds in vain, another would wait for.
        """
        shared, reserve = self._shared, self._shared.parts.ledger.reserve
        hold = await shared.parts.thread(reserve, shared.opened, budget, sums[-1], shared.now)
        wanted = max((each for each in sums if each <= hold.held), default=0)
        if wanted == hold.held:
            return hold
        return await shared.parts.thread(reserve, shared.opened, budget, wanted, shared.now)

    def _worst(self, request: BatchRequest) -> int:
        if request.worst is None:
            model = self._shared.parts.classifier.model
            raise UsageError(
                f"[runner] budget_usd needs a price, and there is none for batches of {model}: "
                f'give it as [prices."{model}"], with a batch_factor'
            )
        return request.worst

    async def _create(
        self, choice: Choice, probe: Sequence[BatchRequest]
    ) -> bool | Superseded | Trouble:
        """Items that have all failed are asked with a probe, to tell whose fault that is."""
        shared, requests = self._shared, [*probe, *choice.requests]
        held, nonce = 0, shared.parts.nonce()
        if shared.parts.settings.budget is not None:
            held = sum(self._worst(request) for request in requests)
        asked = [request.planned for request in requests]
        plan = BatchPlan(asked, choice.reached, choice.is_all, nonce, held)
        planned = await shared.parts.thread(shared.ledger.plan, shared.opened, plan, shared.now)
        if isinstance(planned, Superseded):
            return planned
        shared.checkpointing.opened, batch = planned
        return await self._send(batch, requests)

    async def _send(self, batch: Batch, requests: Sequence[BatchRequest]) -> bool | Trouble:
        shared = self._shared
        remote = await shared.ask(shared.provider.create(requests, batch.nonce))
        if isinstance(remote, RemoteBatch):
            with anyio.CancelScope(shield=True):
                await shared.parts.thread(shared.ledger.sent, batch, remote, shared.now)
            shared.parts.tell(BatchChanged(remote.id, BatchStatus.SENT, batch.requests))
            return True
        if _is_refused(remote):
            await shared.parts.thread(shared.ledger.lost, batch, shared.now)
        return remote


def _is_refused(said: Trouble) -> bool:
    """Whether the provider said that it does not take the batch; any other may have arrived."""
    return isinstance(said, Halt) or said.kind is OutcomeKind.THROTTLED
