"""Puts settled items behind the cursor of a pass, and ends the pass."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.decision import Advance, Decision, Done, Pause
from kclassify.core.evaluated import changes, only_evaluated
from kclassify.core.gate import DryRunSeal
from kclassify.core.window import Landed
from kclassify.ports import Checkpoint, Mode, OnCommit, Pass, Recorded, Settled
from kclassify.runner.opening import announce, check_writer
from kclassify.runner.parts import Limits, Parts
from kclassify.runner.tally import checkpointed
from kclassify.runner.tranche import Tranche


class Checkpointing:
    """What a step does at both ends of its work, and each time the cursor moves.

    `opened` is the pass as it is by now.
    """

    def __init__(self, parts: Parts, opened: Pass) -> None:
        self._parts = parts
        self.opened = opened
        self.tranche = Tranche(parts)

    @property
    def room(self) -> int:
        """How many items the next transaction may settle."""
        return self.tranche.limit(self._parts.settings.checkpoint_items)

    async def begin(self, limits: Limits) -> Decision | None:
        """Look at what is there before the first call; the decision when nothing can be done."""
        parts = self._parts
        await announce(parts, self.opened, limits)
        await check_writer(parts, self.opened, limits)
        pause = await self.tranche.begin(self.opened)
        if pause is not None:
            return pause
        if self.opened.mode is Mode.COMMIT and parts.writer is not None:
            now = parts.clock.now()
            await parts.thread(parts.ledger.settle_intents, self.opened, parts.writer, now)
        return None

    async def settled(self, landed: Sequence[Landed]) -> Sequence[Settled]:
        """What becomes of these items; only what a dry run showed is written after it."""
        parts = self._parts
        settled = [self._settled(one) for one in landed]
        if parts.authority.dry_run is None or not changes(settled):
            return settled
        return await parts.thread(self._only_evaluated, settled, parts.authority.dry_run)

    async def store(
        self, checkpoint: Checkpoint, on_commit: OnCommit | None = None
    ) -> Decision | None:
        """Write, audit and move the cursor, in one transaction; a decision when that is lost."""
        parts = self._parts
        recorded = await parts.thread(
            parts.ledger.checkpoint,
            self.opened,
            parts.classifier.fingerprint,
            checkpoint,
            parts.writer,
            parts.clock.now(),
            on_commit,
        )
        if not isinstance(recorded, Recorded):
            return recorded
        self.opened = recorded.opened
        self.tranche.count(recorded.actions)
        if checkpoint.settled:
            parts.tell(checkpointed(self.opened, checkpoint.settled, recorded.actions))
        return None

    async def finish(self) -> Decision:
        """A shard ends its pass when it is the last; what was written is put in place then."""
        parts = self._parts
        if self.opened.shard is not None:
            is_last = await parts.thread(parts.ledger.end_shard, self.opened, parts.clock.now())
            if not isinstance(is_last, bool):
                return is_last
            if not is_last:
                return Advance(self.opened.cursor, Pause.SHARD)
        if self.opened.mode is Mode.COMMIT and parts.writer:
            await parts.thread(parts.writer.finish)
        return Done()

    def _only_evaluated(self, settled: list[Settled], seal: DryRunSeal) -> list[Settled]:
        held = self._parts.ledger.evaluated(seal.run, seal.number, changes(settled))
        return only_evaluated(settled, held)

    def _settled(self, landed: Landed) -> Settled:
        policy = self._parts.authority.policy
        action = policy.decide(landed.key, landed.current, landed.outcome)
        return Settled(landed.key, landed.digest, landed.current, landed.outcome, action)
