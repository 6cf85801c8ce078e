"""The work on a pass: opened, cut into shards, driven step by step, closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio

from kclassify.core.decision import Advance, Decision, Halt, Pause, Snooze, Superseded
from kclassify.core.follow_up import DATABASE_AGAIN_S
from kclassify.core.passes import Mode, Pass, PassRequest
from kclassify.errors import DatabaseError, EnqueueError, KclassifyError
from kclassify.events import logger
from kclassify.holder import retire
from kclassify.ports.batches import AsksInBatches
from kclassify.runner.dividing import divide, divisible
from kclassify.runner.driven import Driven
from kclassify.runner.metering import refuse_unpriced
from kclassify.runner.opening import survey
from kclassify.runner.parts import Limits, Parts
from kclassify.runner.step import Step


class Work:
    """One call of a runner. `holder` names its worker, `on_step` is told of each step it takes."""

    def __init__(
        self,
        parts: Parts,
        run: str,
        mode: Mode,
        holder: Callable[[], str],
        on_step: Callable[[Driven], None],
    ) -> None:
        self._parts = parts
        self._run = run
        self._mode = mode
        self._holder = holder
        self._on_step = on_step

    async def through_shards(self, limits: Limits) -> Decision:
        """Work on a pass; without a budget on all of its shards that are free, one by one."""
        limits = replace(limits, max_items=self._parts.settings.max_items)
        decision, rest = await self._open_and_drive(limits)
        while _goes_on(decision, rest):
            following, rest = await self._open_and_drive(rest)
            if isinstance(following, Superseded):
                return decision
            decision = following
        is_spent = rest.max_items == 0 and limits.shard is None
        if is_spent and isinstance(decision, Advance) and decision.pause is Pause.SHARD:
            return replace(decision, pause=Pause.MAX_ITEMS)
        return decision

    async def _open_and_drive(self, limits: Limits) -> tuple[Decision, Limits]:
        """The decision, and what is left of the limits for other shards of this pass."""
        opened = await self._open(limits)
        if not isinstance(opened, Pass):
            return opened, limits
        parts = self._parts
        decision: Decision = Advance(opened.cursor, Pause.STOPPED)
        step: Driven | None = None
        try:
            cut, limits = await divide(parts, opened, limits)
            if isinstance(cut, Pass) and not _is_another(cut, limits):
                opened = cut
                step = self._begin(opened, limits)
                decision = await step.drive()
            elif isinstance(cut, Pass):
                opened, decision = cut, Advance(cut.cursor)
            else:
                decision = cut
        except Exception as error:
            decision = _after(error)
            raise
        finally:
            await self._close(opened if step is None else step.opened, decision, step)
        done = 0 if step is None else step.opened.settled - opened.settled
        return decision, _rest(limits, opened, done)

    def _request(self, limits: Limits) -> PassRequest:
        authority = self._parts.authority
        return PassRequest(
            run=self._run,
            mode=self._mode,
            fingerprint=self._parts.classifier.fingerprint,
            model=self._parts.classifier.model,
            source=self._parts.source.description,
            override=authority.override,
            gate=authority.gate,
            gate_refusal=authority.refusal,
            number=limits.number,
            shard=limits.shard,
            job=limits.job,
            ticket=limits.ticket,
        )

    async def _open(self, limits: Limits) -> Pass | Decision:
        refuse_unpriced(self._parts)
        request = self._request(limits)
        if self._parts.settings.shards > 1:
            divisible(self._parts.source)
        found: list[Pass | Decision] = []
        try:
            await self._parts.thread(self._take_lease, request, found)
        except BaseException:
            await self._let_go(found)
            raise
        return found[0]

    def _take_lease(self, request: PassRequest, found: list[Pass | Decision]) -> None:
        parts, holder = self._parts, self._holder()
        now, lease_s = parts.clock.now(), parts.settings.lease_s
        found.append(parts.ledger.open(request, holder, now, lease_s))

    async def _let_go(self, found: list[Pass | Decision]) -> None:
        """A lease that was taken while its caller was cancelled: the thread ends what it began."""
        with anyio.CancelScope(shield=True):
            await self._parts.thread(found.copy)
            for opened in found:
                if isinstance(opened, Pass):
                    await self._close(opened, Advance(opened.cursor, Pause.STOPPED))

    async def prepare(self, limits: Limits) -> int | Decision:
        """The number of the pass, opened and cut into its shards, or why there is none.

        One that goes on already is left to its workers; what has stopped of it is due again.
        """
        thread, parts = self._parts.thread, self._parts
        refuse_unpriced(parts)
        if limits.number is None:
            request = self._request(limits)
            number = await thread(parts.ledger.renew, request, parts.clock.now())
            if number is not None:
                return number
        opened = await self._open(limits)
        if not isinstance(opened, Pass):
            return opened
        decision: Decision = Advance(opened.cursor)
        try:
            cut, told = await divide(self._parts, opened, limits)
            if not isinstance(cut, Pass):
                return cut
            opened = cut
            if told.items is None and not opened.resumed:
                await survey(self._parts)
        except Exception as error:
            decision = _after(error)
            raise
        finally:
            await self._close(opened, decision)
        return opened.number

    def _begin(self, opened: Pass, limits: Limits) -> Driven:
        step = _step(self._parts, opened, limits)
        self._on_step(step)
        return step

    async def _close(self, opened: Pass, decision: Decision, step: Driven | None = None) -> None:
        """Let the lease go, also when cancelled; one that cannot be let go expires.

        As long as the ledger does not know what the step spent, what it held stays held.
        """
        with anyio.CancelScope(shield=True):
            try:
                if isinstance(step, Step):
                    await step.settle_up()
                await self._parts.thread(
                    self._parts.ledger.close_step, opened, decision, self._parts.clock.now()
                )
            except DatabaseError as error:
                retire(opened.holder)
                logger.warning("run %r could not let its lease go: %s", self._run, error)


def _step(parts: Parts, opened: Pass, limits: Limits) -> Driven:
    """A step that asks in batches where the classifier does."""
    classifier = parts.classifier
    if isinstance(classifier, AsksInBatches) and classifier.batches is not None:
        from kclassify.runner.batch_step import BatchStep  # noqa: PLC0415  # few runs need it

        return BatchStep(parts, opened, limits)
    return Step(parts, opened, limits)


def _after(error: Exception) -> Decision:
    """What the ledger is told of a step that raised this."""
    if isinstance(error, DatabaseError | EnqueueError):
        return Snooze(DATABASE_AGAIN_S, str(error))
    # Any other message may hold text of an item.
    return Halt(str(error) if isinstance(error, KclassifyError) else type(error).__name__)


def _is_another(opened: Pass, limits: Limits) -> bool:
    """Whether the pass was cut just now, and another of its shards is wanted."""
    ours = None if opened.shard is None else opened.shard.number
    return limits.shard not in {None, ours}


def _rest(limits: Limits, opened: Pass, done: int) -> Limits:
    left = None if limits.max_items is None else max(0, limits.max_items - done)
    return replace(limits, number=opened.number, max_items=left)


def _goes_on(decision: Decision, limits: Limits) -> bool:
    is_free = limits.budget_s is None and limits.shard is None and limits.max_items != 0
    return is_free and isinstance(decision, Advance) and decision.pause is Pause.SHARD
