"""A step that asks in batches: what has ended is read and settled, and the next ones are sent."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import anyio
import anyio.abc

from kclassify.core.availability import Breaker
from kclassify.core.batch import BatchStatus, Standing
from kclassify.core.batching import waits_for
from kclassify.core.decision import Advance, Decision, Done, Pause, Snooze, Superseded
from kclassify.core.follow_up import EnqueueNext, follow_up
from kclassify.core.unread_batches import left_aside
from kclassify.core.verdict import Outcome
from kclassify.events import Snoozing, Stopping, Warned
from kclassify.ports import Checkpoint, OnCommit, Pass
from kclassify.ports.batches import AsksInBatches, Batches
from kclassify.runner.accompanied import accompanied
from kclassify.runner.batch_arrivals import BatchArrivals
from kclassify.runner.batch_draining import BatchDraining
from kclassify.runner.batch_outage import BatchOutage
from kclassify.runner.batch_parts import BatchParts
from kclassify.runner.batch_planning import BatchPlanning
from kclassify.runner.checkpointing import Checkpointing
from kclassify.runner.lease import Heartbeat
from kclassify.runner.parts import Limits, Parts


class BatchStep:
    """Drives an open pass to a decision, through batches that outlive the step.

    While a batch is in progress the decision is `Snooze`: that is no outage. A step without a
    budget waits, and asks again. A stop leaves the batches to whoever resumes.
    """

    def __init__(self, parts: Parts, opened: Pass, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._checkpointing = Checkpointing(parts, opened)
        provider = cast("AsksInBatches", parts.classifier).batches
        self._shared = BatchParts(
            parts, cast("Batches", provider), self._checkpointing, lambda: self._pause is not None
        )
        self._outage = BatchOutage(parts.settings.run_policy, opened.breaker)
        self._arrivals = BatchArrivals(self._shared, self._outage)
        self._draining = BatchDraining(self._shared, self._outage, limits.max_items)
        self._planning = BatchPlanning(self._shared, self._draining)
        self._news = anyio.Event()
        self._stopped = anyio.Event()
        self._began = parts.clock.now()
        self._failure: Exception | None = None
        self._is_superseded = False

    @property
    def opened(self) -> Pass:
        """The pass as it is by now."""
        return self._checkpointing.opened

    def stop(self, reason: str) -> None:
        """Ask for nothing more; what the provider is asked now may be answered within the grace."""
        if not self._stopped.is_set():
            self._parts.tell(Stopping(reason, 0, self._parts.settings.grace_s))
        self._stopped.set()
        self._wake()

    async def drive(self) -> Decision:
        """Work until there is a decision; raises what source, ledger or writer raised."""
        return await accompanied(self._keep_lease, self._work)

    async def _work(self, tasks: anyio.abc.TaskGroup) -> Decision:
        tasks.start_soon(self._keep_grace)
        return await self._begin() or await self._loop()

    def _wake(self) -> None:
        self._news.set()

    async def _keep_lease(self) -> None:
        try:
            beats = Heartbeat(self._parts, lambda: self.opened, self._lose_lease, self._hear)
            await beats.beat()
        except Exception as error:  # noqa: BLE001  # raised by the loop, outside the task group
            self._failure = error
            self._wake()

    async def _keep_grace(self) -> None:
        await self._stopped.wait()
        await anyio.sleep(self._parts.settings.grace_s)
        self._shared.cut()

    def _lose_lease(self) -> None:
        self._is_superseded = True
        self._wake()

    def _hear(self, opened: Pass, stored: Breaker) -> None:
        """Other workers changed the breaker. A checkpoint since then told more than this does."""
        if opened is self.opened:
            self._checkpointing.opened = replace(opened, breaker=stored)
            if self._outage.learn(opened.breaker, stored, self._shared.now):
                self._wake()

    @property
    def _pause(self) -> Pause | None:
        """Why the step is to end with work left."""
        if self._stopped.is_set():
            return Pause.STOPPED
        budget_s = self._limits.budget_s
        is_spent = budget_s is not None and self._shared.now - self._began >= budget_s
        return Pause.BUDGET if is_spent else None

    async def _begin(self) -> Decision | None:
        pause = await self._checkpointing.begin(self._limits)
        ask = self._shared.ledger.was_answered
        self._outage.begin(was_answered=await self._parts.thread(ask, self.opened))
        left = self._outage.breaker.remaining(self._shared.now)
        if pause is not None or not left:
            return pause
        return await self._snooze(Snooze(left, "the snooze of an earlier step is not over"))

    async def _loop(self) -> Decision:
        while True:
            if self._failure is not None:
                raise self._failure
            if self._is_superseded:
                return Superseded()
            decision = await self._advance()
            if decision is not None:
                decision = await self._conclude(decision)
            if decision is not None:
                return decision

    async def _advance(self) -> Decision | None:
        """One round; a decision once there is nothing more to do now."""
        left = self._outage.breaker.remaining(self._shared.now)
        if self._stopped.is_set() or not left:
            return await self._round()
        return Snooze(left, "another worker of this run is without an answer")

    async def _round(self) -> Decision | None:
        if self._stopped.is_set():
            return self._end(Pause.STOPPED)
        standing = await self._arrivals.take()
        if not isinstance(standing, Standing):
            return self._trouble(standing)
        if any(batch.status is BatchStatus.ENDED for batch in standing.awaited):
            # Results are left to read: time is up.
            return self._ending
        lost = await self._draining.drain(standing)
        return lost or await self._after_draining(standing)

    async def _after_draining(self, standing: Standing) -> Decision | None:
        tranche = self._checkpointing.tranche
        if tranche.is_full:
            return await tranche.end(self.opened)
        if self._draining.is_full:
            return self._end(Pause.MAX_ITEMS)
        if self._draining.is_at_end and not standing.batches:
            self._tell_of(standing)
            return Done()
        if self._draining.has_moved and self._ending is not None:
            return self._ending
        planned = await self._planning.next(standing)
        if planned is True:
            self._outage.heard()
            return self._ending
        return self._rest(standing) if planned is False else self._trouble(planned)

    def _tell_of(self, standing: Standing) -> None:
        """Batches of other passes that go on after the end of this one."""
        told = left_aside(standing.aside)
        if told is not None:
            self._parts.tell(Warned(told))

    def _trouble(self, said: Decision | Outcome[str]) -> Decision:
        """What becomes of the step where the provider is not there, or something is in the way."""
        if not isinstance(said, Outcome):
            return said
        if self._shared.is_cut:
            return self._end(Pause.STOPPED)
        return self._outage.met(said, self._shared.now, self._parts.jitter())

    def _rest(self, standing: Standing) -> Decision:
        """Wait for the first that is to be asked after."""
        poll_s = self._shared.provider.limits.poll_s
        wait = waits_for(standing.awaited, self._shared.now, poll_s)
        unsure = self._arrivals.unsure
        if wait is None:
            others = Snooze(max(1, math.ceil(poll_s)), "what is left is asked by other workers")
            return unsure or others
        is_sooner = unsure is not None and unsure.seconds < wait.seconds
        return unsure if unsure is not None and is_sooner else wait

    def _end(self, pause: Pause) -> Advance:
        return Advance(self.opened.cursor, pause)

    @property
    def _ending(self) -> Advance | None:
        """The end of the step, where it is to end with work left."""
        return None if self._pause is None else self._end(self._pause)

    async def _conclude(self, decision: Decision) -> Decision | None:
        is_next = isinstance(follow_up(decision), EnqueueNext)
        lost = await self._store(self._limits.on_commit if is_next else None)
        if lost is not None:
            return lost
        if isinstance(decision, Snooze):
            return await self._snooze(decision)
        return await self._checkpointing.finish() if isinstance(decision, Done) else decision

    async def _store(self, on_commit: OnCommit | None) -> Decision | None:
        """Store the breaker where it changed; what is settled is stored already."""
        opened, known = self.opened, self._outage.breaker
        if on_commit is None and known == opened.breaker:
            return None
        state = Checkpoint((), opened.cursor, known, opened.suspects, opened.limit)
        lost = await self._checkpointing.store(state, on_commit)
        if lost is None:
            self._outage.learn(known, self.opened.breaker, self._shared.now)
        return lost

    async def _snooze(self, snooze: Snooze) -> Decision | None:
        """Within a budget the snooze is the caller's; else wait through it, then go on.

        One for the breaker is as long as that of the other workers of the run, and over once one of
        them has an answer.
        """
        seconds = max(snooze.seconds, self._outage.breaker.remaining(self._shared.now))
        if self._limits.budget_s is not None:
            return replace(snooze, seconds=seconds)
        self._parts.tell(Snoozing(seconds, snooze.reason))
        await self._wait_out(self._shared.now + seconds)
        if not self._outage.breaker.remaining(self._shared.now):
            self._outage.resume()
        return None

    async def _wait_out(self, until: float) -> None:
        """Wait, but no longer once there is news of the breaker, or a reason to end."""
        breaker = self._outage.breaker
        while self._shared.now < until and self._outage.breaker == breaker:
            if self._failure is not None or self._stopped.is_set() or self._is_superseded:
                return
            await self._parts.clock.wait(self._news, until - self._shared.now)
            self._news = anyio.Event()
