"""The runner: what an application or a job embeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from kclassify.config import RunnerSettings
from kclassify.core.canary import Pending
from kclassify.core.decision import Decision, Halt
from kclassify.errors import GateRefused, UsageError
from kclassify.events import Broadcast, Listener, StepEnded, StepFailed
from kclassify.ports import (
    Canary,
    Classifier,
    Clock,
    Gate,
    Ledger,
    Mode,
    OnCommit,
    Source,
    Tranches,
    Writer,
)
from kclassify.runner.authority import Authorities, Authority
from kclassify.runner.clock import SystemClock
from kclassify.runner.dividing import divisible
from kclassify.runner.driven import Driven
from kclassify.runner.loop import EventLoop
from kclassify.runner.machine import Machine
from kclassify.runner.parts import Limits, Parts
from kclassify.runner.spot_checks import SpotChecks
from kclassify.runner.work import Work


class ReclassifyRunner:
    """Relabels a source: dry run first, then commit, resumable at any moment.

    Every method returns a decision: `Done`, `Advance`, `Snooze`, `Halt` or `Superseded`. Raises
    `UsageError` for what cannot be done as asked and `DatabaseError` for a database that cannot be
    reached; the run can be resumed after either. One runner does one thing at a time. `clock` and
    `machine` are for simulations and tests.
    """

    def __init__(  # noqa: PLR0913  # collaborators and settings, all by keyword
        self,
        *,
        source: Source,
        classifier: Classifier[str],
        ledger: Ledger,
        writer: Writer | None = None,
        name: str = "default",
        settings: RunnerSettings | None = None,
        timeout_s: float = 30.0,
        gate: Gate | None = None,
        canary: Canary | None = None,
        tranches: Tranches | None = None,
        clock: Clock | None = None,
        machine: Machine | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.source = source
        self.classifier = classifier
        self.ledger = ledger
        self.writer = writer
        self.name = name
        self.settings = settings or RunnerSettings()
        self.timeout_s = timeout_s
        self.gate = gate
        self.canary = canary
        self.tranches = tranches
        self._clock = clock or SystemClock()
        self._machine = machine or Machine()
        self._tell = Broadcast(list(listeners))
        self._step: Driven | None = None
        self._stop_reason: str | None = None
        self._loop: EventLoop | None = None
        self._thread = self._machine.worker("kclassify-database")

    async def dry_run(self) -> Decision:
        """Classify everything and write nothing, waiting through snoozes."""
        return await self._work(Mode.DRY_RUN, Limits())

    async def commit(self, *, override: str | None = None) -> Decision:
        """Write the changes that the gate certified, waiting through snoozes.

        Verdicts of a dry run are recalled, not paid again. Raises `GateRefused`, in one line that
        says why, unless the gate's record passed for exactly this classifier. `override` is the
        reason for writing all the same, by the settings' own thresholds; it is kept in the run.
        With `tranches` it returns `Advance` after each, until the spot checks are there.
        """
        return await self._work(Mode.COMMIT, Limits(), override)

    async def step(
        self,
        *,
        mode: Mode = Mode.DRY_RUN,
        budget_s: float = 10.0,
        on_commit: OnCommit | None = None,
        override: str | None = None,
        shard: int | None = None,
        number: int | None = None,
        job: Mapping[str, Any] | None = None,
    ) -> Decision:
        """A bounded piece of a dry run or a commit, for a job system.

        It starts calls for `budget_s` seconds; those in flight then have until their own deadline.
        `on_commit(connection, cursor)` is called in its last transaction when the next step comes
        at once; not at `max_items` nor after a tranche, where somebody else says when to go on.
        `shard` is the part of a divided pass to work on, the first free one when there is none.
        With the `number` of a pass, no other is gone on with and none begun: a job that comes late
        finds its pass `Done`. `job` is what the job that takes the step carries.
        """
        if not budget_s > 0:
            raise UsageError(f"budget_s is a number of seconds over 0, not {budget_s}")
        return await self._work(
            mode, self._limits(budget_s, on_commit, shard, number, job), override
        )

    def run_step(
        self,
        *,
        mode: Mode = Mode.DRY_RUN,
        budget_s: float = 10.0,
        on_commit: OnCommit | None = None,
        override: str | None = None,
        shard: int | None = None,
        number: int | None = None,
    ) -> Decision:
        """`step`, for a worker that is not async. The classifier's connections end with it."""

        async def one_step() -> Decision:
            try:
                return await self.step(
                    mode=mode,
                    budget_s=budget_s,
                    on_commit=on_commit,
                    override=override,
                    shard=shard,
                    number=number,
                )
            finally:
                with anyio.CancelScope(shield=True):
                    await self.classifier.aclose()

        return anyio.run(one_step)

    def _limits(
        self,
        budget_s: float,
        on_commit: OnCommit | None,
        shard: int | None,
        number: int | None,
        job: Mapping[str, Any] | None,
    ) -> Limits:
        # A job that names no pass may begin one, and is then to be found when it gets lost.
        begins = job if number is None else None
        ticket = None if job is None else job.get("ticket")
        return Limits(budget_s, on_commit, shard, number, job=begins, ticket=ticket)

    async def prepare(
        self,
        *,
        mode: Mode = Mode.DRY_RUN,
        override: str | None = None,
        job: Mapping[str, Any] | None = None,
    ) -> int | Decision:
        """Begin a pass, or find the unfinished one, and cut it into shards; nothing is asked.

        Returns the number of the pass, or the decision why there is nothing to prepare. `job` is
        what the jobs carry that work on it: a lost one can be enqueued again then.
        """
        authority = await self._authority(mode, override)
        return await self._begin(mode, authority).prepare(Limits(budget_s=math.inf, job=job))

    async def divide(
        self, *, into: int, mode: Mode = Mode.DRY_RUN, shard: int | None = None
    ) -> int | Decision:
        """Cut what is left of an unfinished pass, or of its shard, into parts for more workers.

        Returns the number of the pass. `Superseded` when a worker is at it: its next step cuts it
        then. Raises `UsageError` where there is no such pass or shard, or no table to divide.
        """
        if into <= 1:
            raise UsageError(f"a pass is divided into 2 parts or more, not {into}")
        divisible(self.source)
        number = await self._thread(self.ledger.want_parts, self.name, mode, shard, into)
        limits = Limits(budget_s=math.inf, shard=shard, number=number)
        return await self._begin(mode, Authority(self.settings.write_policy)).prepare(limits)

    async def read_batches(self) -> str | None:
        """Read what has ended of the run's batches, whatever pass or shard they are of.

        Listeners hear of each (`BatchChanged`), and of each that cannot be read (`Warned`). Returns
        why the provider told no more, None where it told of all. Needs no pass that is open, and
        takes none from its workers. Raises `UsageError` where nothing is asked in batches.
        """
        from kclassify.runner.batch_reading import read_batches  # noqa: PLC0415  # few runs need it

        return await read_batches(self._parts(Authority(self.settings.write_policy)), self.name)

    def stop(self, reason: str = "stop was asked for") -> None:
        """Stop admitting, let calls in flight land, flush; the work then returns `Advance`.

        Safe from any thread and from a signal handler; does nothing when nothing runs.
        """
        loop = self._loop
        if loop is not None:
            self._stop_reason = reason
            loop.call_soon(self._pass_on_stop)

    def _pass_on_stop(self) -> None:
        if self._step is not None and self._stop_reason is not None:
            self._step.stop(self._stop_reason)

    async def check_gate(self, override: str | None = None) -> Authority:
        """Why a commit may write now. Raises `GateRefused`, as `commit` would."""
        if self.writer is None:
            raise UsageError("a commit needs a writer, and this runner has none")
        asked = Authorities(self.gate, self.classifier, self.ledger, self.settings.write_policy)
        return await self._thread(asked.ask, override, self._clock.now())

    async def check_canary(self, authority: Authority) -> None:
        """Raise `GateRefused` where a commit would write nothing for want of good spot checks."""
        known = self.classifier.taxonomy.known
        checks = SpotChecks(self.ledger, self.canary, self.tranches, known)
        sight = await self._thread(checks.look, self.name, authority)
        if sight is not None and isinstance(sight.following, Halt):
            raise GateRefused(sight.following.reason)
        if sight is not None and isinstance(sight.following, Pending):
            raise GateRefused(
                f"a tranche is written, and {sight.following.missing} spot checks of its rows are "
                "missing: give them in the [gate] canary file first"
            )

    async def _authority(self, mode: Mode, override: str | None) -> Authority:
        if mode is Mode.COMMIT:
            return await self.check_gate(override)
        return Authority(self.settings.write_policy)

    async def _work(self, mode: Mode, limits: Limits, override: str | None = None) -> Decision:
        authority = await self._authority(mode, override)
        self._loop = EventLoop()
        try:
            decision = await self._begin(mode, authority).through_shards(limits)
        except BaseException as error:
            self._tell(StepFailed(type(error).__name__))
            raise
        finally:
            self._step, self._stop_reason, self._loop = None, None, None
        self._tell(StepEnded(decision))
        return decision

    def _parts(self, authority: Authority) -> Parts:
        return Parts(
            source=self.source,
            classifier=self.classifier,
            ledger=self.ledger,
            writer=self.writer,
            settings=self.settings,
            timeout_s=self.timeout_s,
            clock=self._clock,
            thread=self._thread,
            lease_thread=self._machine.worker("kclassify-lease"),
            jitter=self._machine.jitter,
            nonce=self._machine.nonce,
            tell=self._tell,
            authority=authority,
            canary=self.canary,
            tranches=self.tranches,
        )

    def _begin(self, mode: Mode, authority: Authority) -> Work:
        parts = self._parts(authority)
        return Work(parts, self.name, mode, self._machine.holder, self._take_step)

    def _take_step(self, step: Driven) -> None:
        self._step = step
        self._pass_on_stop()
