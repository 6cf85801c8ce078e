"""The runner: what an application or a job embeds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel

from kclassify.config import RunnerSettings
from kclassify.core.decision import Advance, Decision, Pause
from kclassify.errors import DatabaseError, GateRefused, SourceError, UsageError
from kclassify.events import Broadcast, Listener, PassOpened, StepEnded, logger
from kclassify.holder import retire, this_holder
from kclassify.ports import (
    Classifier,
    Clock,
    Ledger,
    Mode,
    OnCommit,
    Pass,
    PassRequest,
    Source,
    Survey,
    Writer,
)
from kclassify.runner.clock import SystemClock
from kclassify.runner.parts import Limits, Parts
from kclassify.runner.step import Step
from kclassify.runner.thread import DatabaseThread


class ReclassifyRunner:
    """Relabels a source: dry run first, then commit, resumable at any moment.

    Every method returns a decision: `Done`, `Advance`, `Snooze`, `Halt` or `Superseded`. Raises
    `UsageError` for what cannot be done as asked and `DatabaseError` for a database that cannot be
    reached; the run can be resumed after either. One runner does one thing at a time.
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
        clock: Clock | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.source = source
        self.classifier = classifier
        self.ledger = ledger
        self.writer = writer
        self.name = name
        self.settings = settings or RunnerSettings()
        self.timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._tell = Broadcast(list(listeners))
        self._step: Step | None = None
        self._stop_reason: str | None = None
        self._loop: tuple[int, object] | None = None

    async def dry_run(self) -> Decision:
        """Classify everything and write nothing, waiting through snoozes."""
        return await self._work(Mode.DRY_RUN, None, Limits())

    async def commit(self, *, override: str | None = None) -> Decision:
        """Write the confident changes, waiting through snoozes.

        Verdicts of a dry run are recalled, not paid again. Raises `GateRefused` without `override`,
        the reason for writing although no gate record passed; it is kept in the run.
        """
        return await self._work(Mode.COMMIT, override, Limits())

    async def step(
        self,
        *,
        mode: Mode = Mode.DRY_RUN,
        budget_s: float = 10.0,
        on_commit: OnCommit | None = None,
        override: str | None = None,
    ) -> Decision:
        """A bounded piece of a dry run or a commit, for a job system.

        It starts calls for `budget_s` seconds, and gives those in flight `settings.grace_s` more.
        `on_commit(connection, cursor)` is called in its last transaction when there is more to do.
        """
        return await self._work(mode, override, Limits(budget_s, on_commit))

    def run_step(
        self,
        *,
        mode: Mode = Mode.DRY_RUN,
        budget_s: float = 10.0,
        on_commit: OnCommit | None = None,
        override: str | None = None,
    ) -> Decision:
        """`step`, for a worker that is not async. The classifier's connections end with it."""

        async def one_step() -> Decision:
            try:
                return await self.step(
                    mode=mode, budget_s=budget_s, on_commit=on_commit, override=override
                )
            finally:
                with anyio.CancelScope(shield=True):
                    await self.classifier.aclose()

        return anyio.run(one_step)

    def stop(self, reason: str = "stop was asked for") -> None:
        """Stop admitting, let calls in flight land, flush; the work then returns `Advance`.

        Safe from any thread; does nothing when nothing runs.
        """
        if self._loop is None:
            return
        self._stop_reason = reason
        if self._loop[0] != threading.get_ident():
            token: Any = self._loop[1]
            anyio.from_thread.run_sync(self._pass_on_stop, token=token)
        else:
            self._pass_on_stop()

    def _pass_on_stop(self) -> None:
        if self._step is not None and self._stop_reason is not None:
            self._step.stop(Pause.STOPPED, self._stop_reason)

    async def _work(self, mode: Mode, override: str | None, limits: Limits) -> Decision:
        if mode is Mode.COMMIT:
            self._authorize(override)
        self._loop = (threading.get_ident(), anyio.lowlevel.current_token())
        thread = DatabaseThread()
        try:
            decision = await self._open_and_drive(thread, self._request(mode, override), limits)
        finally:
            self._step, self._stop_reason, self._loop = None, None, None
        self._tell(StepEnded(decision))
        return decision

    def _authorize(self, override: str | None) -> None:
        if self.writer is None:
            raise UsageError("a commit needs a writer, and this runner has none")
        if not (override and override.strip()):
            raise GateRefused(
                "commit writes only after an evaluation passed, and this version cannot check it: "
                'give --override "reason" (commit(override=...)) to write all the same'
            )

    def _request(self, mode: Mode, override: str | None) -> PassRequest:
        return PassRequest(
            run=self.name,
            mode=mode,
            fingerprint=self.classifier.fingerprint,
            model=self.classifier.model,
            source=self.source.description,
            override=override,
        )

    async def _open_and_drive(
        self, thread: DatabaseThread, request: PassRequest, limits: Limits
    ) -> Decision:
        opened = await thread(
            self.ledger.open, request, this_holder(), self._clock.now(), self.settings.lease_s
        )
        if not isinstance(opened, Pass):
            return opened
        step = self._make_step(thread, opened, limits)
        decision: Decision = Advance(opened.cursor, Pause.STOPPED)
        try:
            await self._announce(thread, opened, request, limits)
            decision = await step.drive()
        finally:
            await self._close(thread, step.opened, decision)
        return decision

    def _make_step(self, thread: DatabaseThread, opened: Pass, limits: Limits) -> Step:
        parts = Parts(
            source=self.source,
            classifier=self.classifier,
            ledger=self.ledger,
            writer=self.writer,
            settings=self.settings,
            timeout_s=self.timeout_s,
            clock=self._clock,
            thread=thread,
            tell=self._tell,
        )
        self._step = Step(parts, opened, limits)
        self._pass_on_stop()
        return self._step

    async def _announce(
        self, thread: DatabaseThread, opened: Pass, request: PassRequest, limits: Limits
    ) -> None:
        """Look at the source before the first call; a later step of a job does not count again."""
        items = None
        if limits.budget_s is None or not opened.resumed:
            survey = await thread(self.source.survey, self.classifier.taxonomy.known)
            refuse_unknown(survey, self.source.description)
            items = survey.items
        self._tell(
            PassOpened(
                run=self.name,
                mode=opened.mode,
                number=opened.number,
                items=items,
                settled=opened.settled,
                model=request.model,
                override=request.override,
            )
        )

    async def _close(self, thread: DatabaseThread, opened: Pass, decision: Decision) -> None:
        """Let the lease go, also when cancelled; one that cannot be let go expires."""
        with anyio.CancelScope(shield=True):
            try:
                await thread(self.ledger.close_step, opened, decision, self._clock.now())
            except DatabaseError as error:
                retire(opened.holder)
                logger.warning("run %r could not let its lease go: %s", self.name, error)


def refuse_unknown(survey: Survey, description: str) -> None:
    """Raise `SourceError` when rows carry labels that the taxonomy does not know."""
    if not survey.unknown:
        return
    named = [
        f"{one.label!r} on {one.rows} rows (keys {', '.join(str(key) for key in one.keys)}, …)"
        for one in survey.unknown[:5]
    ]
    raise SourceError(
        f"{description}: the taxonomy does not know the current label {'; '.join(named)}: add it, "
        "with `retired = true` if nothing may move there"
    )
