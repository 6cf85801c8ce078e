"""Asks a classifier about the rows of a sample, as often as the suite says, and pays nothing twice.

An answer is taken from the ledger's verdicts (for the first repeat), then from the replies that
were kept, and only then from a call. It is kept as soon as it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.evals.asking_terms import Progress, Terms, Verdicts
from kclassify.evals.labelled import Answered, LabelledItem
from kclassify.evals.reply_cache import Reply
from kclassify.evals.stopping import GRACE_S, Stop
from kclassify.ports import Classifier

T = TypeVar("T")
_DOUBTS = 5
"""Rejections without any answer, after which it is not the rows that are at fault."""
MARGIN_S = 0.25
"""So that a classifier which keeps the same deadline itself is first, and can say what it spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was said: for each repeat, every row in the order of the sample.

    `calls` were made now and `replayed` were not. `seconds` are those of the calls, now and before.
    """

    repeats: tuple[tuple[Answered, ...], ...]
    calls: int
    replayed: int
    usage: Usage
    seconds: tuple[float, ...]

    @property
    def first(self) -> tuple[Answered, ...]:
        """The first repeat: what is scored."""
        return self.repeats[0]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Some questions have no answer: `missing` of them, and why. What was answered is kept."""

    reason: str
    missing: int


async def ask(
    classifier: Classifier[str], rows: Sequence[LabelledItem], terms: Terms
) -> Answers | Incomplete:
    """The answers to all rows, or why they are not complete.

    Raises what the ledger and the kept replies raise. The classifier is not closed.
    """
    asking = _Asking(classifier, rows, terms)
    await asking.replay()
    if asking.missing and (terms.embedded or not terms.replay_only):
        with nullcontext() if terms.kept is None else terms.kept.alone():
            await asking.replay()
            await asking.call()
    return asking.result()


_Question = tuple[str, int]


class _Asking:
    def __init__(
        self, classifier: Classifier[str], rows: Sequence[LabelledItem], terms: Terms
    ) -> None:
        self._classifier = classifier
        self._labels = frozenset(classifier.taxonomy.labels)
        self._rows = rows
        self._terms = terms
        self._items = {row.item.digest: row.item for row in rows}
        self._replies: dict[_Question, Reply] = {}
        self._rejected: dict[_Question, Reply] = {}
        self._calls = self._failures = 0
        self._answered = False
        self._reason: str | None = None
        self._stopped = anyio.Event()
        self._failure: Exception | None = None
        self._thread = anyio.CapacityLimiter(1)

    @property
    def missing(self) -> list[_Question]:
        """The questions without an answer, all of one repeat before the next."""
        every = ((d, r) for r in range(self._terms.repeats) for d in self._items)
        return [question for question in every if question not in self._replies]

    async def replay(self) -> None:
        """Take what is there already."""
        ledger, kept = self._terms.ledger, self._terms.kept
        if ledger is not None:
            recall = partial(ledger.recall, list(self._items), self._classifier.fingerprint)
            for digest, outcome in (await self._in_thread(recall)).items():
                self._replay((digest, 0), Reply(outcome, 0.0))
        for digest, repeat in self.missing:
            if self._items[digest].is_empty:
                empty = Outcome[str](OutcomeKind.EMPTY, detail="the body is empty", recalled=True)
                self._replies[digest, repeat] = Reply(empty, 0.0)
            elif kept is not None and (reply := kept.find(digest, repeat)) is not None:
                self._replay((digest, repeat), reply)
        self._failures = sum(r.outcome.kind.is_failure for r in self._replies.values())
        self._answered = len(self._replies) > self._failures

    def _replay(self, question: _Question, reply: Reply) -> None:
        if not (self._terms.retry_failed and reply.outcome.kind.is_failure):
            self._replies[question] = reply

    async def call(self) -> None:
        """Ask for what is missing, until all is there, the provider fails or it is stopped."""
        questions = iter(self.missing)
        async with anyio.create_task_group() as tasks:
            if self._terms.stop is not None:
                tasks.start_soon(self._heed, self._terms.stop, tasks.cancel_scope)
            async with anyio.create_task_group() as workers:
                for _ in range(self._terms.concurrency):
                    workers.start_soon(self._work, questions)
            tasks.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        await self._settle_rejections()

    async def _heed(self, stop: Stop, scope: anyio.CancelScope) -> None:
        self._stop(await stop.wait())
        await anyio.sleep(GRACE_S)
        scope.cancel()

    async def _work(self, questions: Iterator[_Question]) -> None:
        for question in questions:
            try:
                await anyio.lowlevel.checkpoint()
                if not self._is_over:
                    await self._put(question)
            except Exception as error:  # noqa: BLE001 - raised by `call`, outside its task group
                self._failure = self._failure or error
            if self._is_over:
                return

    @property
    def _is_over(self) -> bool:
        return self._reason is not None or self._failure is not None

    async def _put(self, question: _Question) -> None:
        item = self._items[question[0]]
        for failures in range(1, self._terms.retry.max_attempts + 1):
            outcome, seconds = await self._judge(item)
            if isinstance(outcome, Halt):
                self._stop(outcome.reason)
                return
            if not outcome.kind.is_availability:
                await self._take(question, Reply(outcome, seconds))
                return
            asked = outcome.retry_after_s or 0.0
            wait = max(asked, self._terms.retry.backoff(failures, asked))
            if failures == self._terms.retry.max_attempts:
                self._stop(f"{outcome.kind}: {outcome.detail} (row {item.key!r})")
            elif wait > self._terms.retry.max_seconds:
                self._stop(f"{outcome.kind}: {outcome.detail}; try again in {wait:.0f} s")
            with anyio.move_on_after(wait):
                await self._stopped.wait()
            if self._is_over:
                return

    async def _judge(self, item: Item) -> tuple[Outcome[str] | Halt, float]:
        self._calls += 1
        began = anyio.current_time()
        outcome: Outcome[str] | Halt = Outcome(
            OutcomeKind.TIMED_OUT, detail=f"no answer in {self._terms.timeout_s:g} s"
        )
        with anyio.move_on_after(self._terms.timeout_s + MARGIN_S):
            said = await self._classifier.judge(item)
            outcome = said.within(self._labels) if isinstance(said, Outcome) else said
        return outcome, anyio.current_time() - began

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._stopped.set()

    async def _take(self, question: _Question, reply: Reply) -> None:
        if reply.outcome.kind is OutcomeKind.REJECTED:
            self._rejected[question] = reply
            if not self._answered and len(self._rejected) >= _DOUBTS:
                self._stop(self._told_of_rejections())
            return
        self._answered = True
        with anyio.CancelScope(shield=True):  # it is paid for, whatever stops us
            await self._keep(question, reply)
        self._tell()

    async def _keep(self, question: _Question, reply: Reply) -> None:
        self._replies[question] = reply
        self._failures += reply.outcome.kind.is_failure
        try:
            await self._record(question, reply)
        finally:  # where one of the two cannot be written, the other has what was paid for
            if self._terms.kept is not None:
                self._terms.kept.keep(*question, reply)

    async def _record(self, question: _Question, reply: Reply) -> None:
        digest, repeat = question
        if self._terms.ledger is not None and not repeat:
            record = partial(self._recorded, self._terms.ledger, digest, reply.outcome)
            there = await self._in_thread(record)
            if digest in there:  # another run was first, and a commit would write its verdict
                self._replies[question] = Reply(there[digest], reply.seconds)

    def _recorded(
        self, ledger: Verdicts, digest: str, outcome: Outcome[str]
    ) -> Mapping[str, Outcome[str]]:
        fingerprint = self._classifier.fingerprint
        if self._terms.retry_failed:  # not before there is another answer to take its place
            ledger.forget_failures_of(fingerprint, [digest])
        return ledger.record(fingerprint, [(digest, outcome)], time.time())

    async def _settle_rejections(self) -> None:
        """They are the rows' own once anything was answered, else everything is rejected."""
        if self._rejected and not self._answered:
            self._stop(self._told_of_rejections())
            return
        for question, reply in self._rejected.items():
            await self._keep(question, reply)
            self._tell()

    def _told_of_rejections(self) -> str:
        detail = next(iter(self._rejected.values())).outcome.detail
        return f"every request is rejected: {detail}"

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Databases are used by one thread at a time."""
        return await anyio.to_thread.run_sync(work, limiter=self._thread)

    def _tell(self) -> None:
        if self._terms.tell is not None:
            total = len(self._items) * self._terms.repeats
            self._terms.tell(Progress(len(self._replies), total, self._calls, self._failures))

    def result(self) -> Answers | Incomplete:
        """All answers, or how many are missing."""
        missing = len(self.missing)
        if missing:
            replay = "no call may be made, and some replies were never kept"
            return Incomplete(self._reason or replay, missing)
        replies = self._replies.values()
        return Answers(
            repeats=tuple(self._repeat(number) for number in range(self._terms.repeats)),
            calls=self._calls,
            replayed=sum(reply.outcome.recalled for reply in replies),
            usage=sum((reply.outcome.usage for reply in replies), Usage()),
            seconds=tuple(reply.seconds for reply in replies if reply.seconds),
        )

    def _repeat(self, number: int) -> tuple[Answered, ...]:
        return tuple(
            Answered(row, self._replies[row.item.digest, number].outcome) for row in self._rows
        )
