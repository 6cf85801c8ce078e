"""One step of a run, and the only task group: admit, start, settle, drain, ask for the decision."""

from __future__ import annotations

import math
from dataclasses import replace

import anyio
import anyio.abc

from kclassify.core.availability import Breaker
from kclassify.core.budget import HELD_BY_OTHERS
from kclassify.core.decision import Advance, Decision, Done, Pause, Snooze, Superseded
from kclassify.core.follow_up import EnqueueNext, follow_up
from kclassify.core.run import Run
from kclassify.core.shared_breaker import merged
from kclassify.core.unread_batches import left_aside, refusal
from kclassify.events import Snoozing, Stopping, Warned
from kclassify.ports import Checkpoint, OnCommit, Pass
from kclassify.runner.accompanied import accompanied
from kclassify.runner.calls import Calls
from kclassify.runner.checkpointing import Checkpointing
from kclassify.runner.lease import Heartbeat
from kclassify.runner.metering import budget_of, warming_of
from kclassify.runner.parts import Limits, Parts
from kclassify.runner.reading import Reading
from kclassify.runner.recorder import Recorder
from kclassify.runner.reserve import Reserve
from kclassify.runner.shared_calls import SharedCalls

PAGE = 500


class Step:
    """Drives one `Run` from an open pass to a decision."""

    def __init__(self, parts: Parts, opened: Pass, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._checkpointing = Checkpointing(parts, opened)
        self._run = Run(
            parts.settings.run_policy,
            cursor=opened.cursor,
            breaker=opened.breaker,
            suspects=opened.suspects,
            max_items=limits.max_items,
            first_limit=opened.limit,
            budget=budget_of(parts, opened),
            warming=warming_of(parts, opened),
        )
        self._recorder = Recorder(parts, opened, self._run.budget)
        self._calls = Calls(parts, self._run, self._recorder, self._wake)
        self._reading = Reading(parts, opened)
        self._shared = SharedCalls(parts, self._run)
        self._reserve = Reserve(parts, self._run, self._recorder)
        self._news = anyio.Event()
        self._began = self._checkpointed_at = parts.clock.now()
        self._has_read = False
        self._cut_at: float | None = None
        self._is_superseded = False

    @property
    def opened(self) -> Pass:
        """The pass as it is by now."""
        return self._checkpointing.opened

    def stop(self, reason: str) -> None:
        """Stop admitting; calls in flight may land within the grace."""
        grace_s = self._parts.settings.grace_s
        if self._cut_at is None:
            self._cut_at = self._now() + grace_s
            self._parts.tell(Stopping(reason, self._run.in_flight, grace_s))
        self._run.stop(Pause.STOPPED)
        self._wake()

    async def drive(self) -> Decision:
        """Work until there is a decision; raises what source, ledger or writer raised."""
        return await accompanied(self._keep_lease, self._work)

    async def _work(self, tasks: anyio.abc.TaskGroup) -> Decision:
        return await self._begin() or await self._loop(tasks)

    async def settle_up(self) -> None:
        """Charge what could not be charged before. Raises `DatabaseError` as long as it cannot."""
        await self._recorder.store()

    def _wake(self) -> None:
        self._news.set()

    def _now(self) -> float:
        return self._parts.clock.now()

    async def _keep_lease(self) -> None:
        try:
            beats = Heartbeat(self._parts, lambda: self.opened, self._lose_lease, self._hear)
            await beats.beat()
        except Exception as error:  # noqa: BLE001  # raised by the loop, outside the task group
            self._calls.failure = self._calls.failure or error
            self._wake()

    def _lose_lease(self) -> None:
        self._is_superseded = True
        self._wake()

    def _hear(self, opened: Pass, stored: Breaker) -> None:
        """Other workers changed the breaker. A checkpoint since then told more than this does."""
        if opened is self.opened:
            self._checkpointing.opened = replace(opened, breaker=stored)
            self._learn(opened.breaker, stored)

    def _learn(self, known: Breaker, stored: Breaker) -> None:
        """Make one of what this run met since it knew `known`, and what is stored."""
        breaker = merged(known, self._run.breaker, stored)
        if breaker != self._run.breaker:
            self._run.learn(breaker, self._now())
            self._wake()

    async def _begin(self) -> Decision | None:
        pause = await self._checkpointing.begin(self._limits) or await self._unread()
        if pause is not None:
            return pause
        left = self.opened.breaker.remaining(self._now())
        if not left:
            return None
        return await self._snooze(Snooze(left, "the snooze of an earlier step is not over"))

    async def _unread(self) -> Decision | None:
        """Batches of this run may hold what would be asked, and paid, again."""
        parts, ledger = self._parts, self._parts.ledger.batches
        unread = await parts.thread(ledger.unread, self.opened.run)
        refused, told = refusal(unread, parts.classifier.fingerprint), left_aside(unread)
        is_first = self._limits.budget_s is None or not self.opened.resumed
        if told is not None and refused is None and is_first:
            parts.tell(Warned(told))
        return refused

    async def _loop(self, tasks: anyio.abc.TaskGroup) -> Decision:
        while True:
            if self._calls.failure is not None:
                raise self._calls.failure
            if self._is_superseded:
                return Superseded()
            self._keep_time()
            if self._now() >= self._shared.due_at:
                await self._shared.ask(self.opened)
            await self._reserve.ask(self.opened)
            self._calls.launch(tasks)
            decision = await self._advance()
            if decision is not None:
                return decision

    async def _advance(self) -> Decision | None:
        if self._checkpointing.tranche.is_full:
            return await self._end_tranche()
        if self._is_checkpoint_due():
            return await self._checkpoint()
        if self._run.wants_items:
            await self._fetch()
            return None
        decision = self._run.decide(self._now(), self._parts.jitter())
        if decision is None or (decision == HELD_BY_OTHERS and self._limits.budget_s is None):
            await self._wait_for_news()
            return None
        return await self._conclude(decision)

    async def _conclude(self, decision: Decision) -> Decision | None:
        is_next = isinstance(follow_up(decision), EnqueueNext)
        on_commit = self._limits.on_commit if is_next else None
        lost = await self._checkpoint(on_commit)
        if lost is not None:
            return lost
        if isinstance(decision, Snooze) and decision != HELD_BY_OTHERS:
            return await self._snooze(decision)
        return await self._checkpointing.finish() if isinstance(decision, Done) else decision

    async def _end_tranche(self) -> Decision | None:
        """Let what flies land; what is settled and not yet written is recalled by the next step."""
        decision = self._run.decide(self._now(), self._parts.jitter())
        ends = (None, HELD_BY_OTHERS, Advance(self._run.cursor, Pause.TRANCHE))
        if decision not in ends:
            return await self._conclude(decision)
        self._run.stop(Pause.TRANCHE)
        if self._run.in_flight:
            await self._wait_for_news()
            return None
        checkpointing = self._checkpointing
        return await self._checkpoint() or await checkpointing.tranche.end(self.opened)

    async def _snooze(self, snooze: Snooze) -> Decision | None:
        """Within a budget the snooze is the caller's; else wait through it, then go on.

        It is as long as that of the other workers of the run, and over once one of them has an
        answer.
        """
        breaker = self._run.breaker
        seconds = max(snooze.seconds, breaker.remaining(self._now()))
        if breaker.snoozes and self._limits.budget_s is not None:
            return replace(snooze, seconds=seconds)
        if breaker.snoozes:
            await self._reserve.give_back(self.opened)
            self._parts.tell(Snoozing(seconds, snooze.reason))
            await self._wait_out(self._now() + seconds, breaker)
        if self._run.breaker == breaker or not self._run.breaker.remaining(self._now()):
            self._run.resume()
        return None

    async def _wait_out(self, until: float, breaker: Breaker) -> None:
        """Wait, but no longer once there is news of the breaker, or a reason to end."""
        while self._now() < until and self._run.breaker == breaker:
            is_failed = self._calls.failure is not None
            if is_failed or self._cut_at is not None or self._is_superseded:
                return
            await self._wait(until - self._now())

    @property
    def _is_spent(self) -> bool:
        budget_s = self._limits.budget_s
        return budget_s is not None and self._now() - self._began >= budget_s

    def _keep_time(self) -> None:
        if self._is_spent:
            self._run.stop(Pause.BUDGET)
        if self._cut_at is not None and self._now() >= self._cut_at and not self._calls.is_cut:
            self._calls.cut()

    async def _wait_for_news(self) -> None:
        alarms = [
            self._run.wake_at,
            self._reserve.alarm,
            None if self._calls.is_cut else self._cut_at,
        ]
        if not math.isinf(self._shared.due_at):
            alarms.append(self._shared.due_at)
        if self._run.is_ready:
            alarms.append(self._checkpointed_at + self._parts.settings.checkpoint_s)
        if not self._is_spent and self._limits.budget_s is not None:
            alarms.append(self._began + self._limits.budget_s)
        first = min((alarm for alarm in alarms if alarm is not None), default=None)
        await self._wait(None if first is None else max(0.0, first - self._now()))

    async def _wait(self, seconds: float | None) -> None:
        await self._parts.clock.wait(self._news, seconds)
        self._news = anyio.Event()

    async def _fetch(self) -> None:
        limit = min(self._run.room, PAGE)
        items, recalled = await self._reading.page(limit)
        if not self._has_read:
            # However long a loaded machine takes to open a step, each gets something done.
            self._has_read, self._began = True, self._now()
        self._run.admit(items, recalled)
        if len(items) < limit:
            self._run.end_of_source()

    def _is_checkpoint_due(self) -> bool:
        if not self._run.is_ready:
            return False
        waited = self._now() - self._checkpointed_at
        longest = self._parts.settings.checkpoint_s
        is_tight = self._run.room * 2 <= self._run.policy.window and waited >= longest / 10
        return self._run.in_flight == 0 or is_tight or waited >= longest

    async def _checkpoint(self, on_commit: OnCommit | None = None) -> Decision | None:
        run, checkpointing = self._run, self._checkpointing
        settled = await checkpointing.settled(run.drain(checkpointing.room))
        state = Checkpoint(settled, run.cursor, run.breaker, run.suspects, run.pace.reached)
        lost = await checkpointing.store(state, on_commit)
        if lost is not None:
            return lost
        self._learn(state.breaker, self.opened.breaker)
        self._checkpointed_at = self._now()
        return None
