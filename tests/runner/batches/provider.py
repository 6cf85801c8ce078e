"""A provider of batches in memory, that remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio.lowlevel

from kclassify.core.batch import BatchLimits, BatchRequest, BatchResult, RemoteBatch, ResultKind
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged
from kclassify.ports import Clock
from kclassify.testing.scripted import ScriptedClassifier

USAGE = Usage(input_tokens=100, output_tokens=10)
COST = 500
WORST = 2_000
CUT = 3

Said = str | Outcome[str] | Halt
Script = Callable[[str], Said]
Fault = Callable[[str], Outcome[str] | Halt | None]


@dataclass
class Sent:
    """A batch at the provider: what it was asked, by digest the text, and how it goes on."""

    remote: RemoteBatch
    nonce: str
    asked: dict[str, str]
    ends_at: float
    again: frozenset[str]
    results: list[BatchResult] = field(default_factory=list[BatchResult])


def expired() -> Outcome[str]:
    return Outcome(OutcomeKind.TIMED_OUT, detail="expired in the batch")


def errored(kind: OutcomeKind, detail: str = "") -> Outcome[str]:
    return Outcome(kind, detail=detail or f"errored: {kind}")


class Provider:
    """Implements `kclassify.ports.batches.Batches`; each batch ends after `seconds`.

    `script` says what becomes of each text, in the batch of that number for the text, from 1 on.
    `fault` is asked before each operation, by its name, and may answer in its place; with `after`
    the operation has been done by then, and only its answer is lost. A batch is listed among the
    recent ones once `listed_after_s` have passed. Its clock is ahead by `ahead_s`.
    """

    def __init__(self, clock: Clock, limits: BatchLimits, seconds: float = 90.0) -> None:
        self.limits = limits
        self.clock = clock
        self.seconds = seconds
        self.script: Callable[[str, int], Said] = lambda _text, _number: "left"
        self.fault: Fault = lambda _: None
        self.after: Fault = lambda _: None
        self.listed_after_s = 0.0
        self.ahead_s = 0.0
        self.sent: dict[str, Sent] = {}
        self.calls: list[str] = []

    def request(self, item: Item, *, again: bool = False) -> BatchRequest:
        text = f"{'again: ' if again else ''}{item.body}"
        return BatchRequest(item.digest, text.encode(), len(text), WORST, CUT)

    async def create(
        self, requests: Sequence[BatchRequest], nonce: str
    ) -> RemoteBatch | Outcome[str] | Halt:
        refused = await self._begin("create")
        if refused is not None:
            return refused
        now = self.clock.now()
        name, created = f"batch_{len(self.sent) + 1}", now + self.ahead_s
        remote = RemoteBatch(name, False, created, now + 86_400, len(requests))
        asked = {each.digest: each.body.decode() for each in requests}
        again = frozenset(d for d, text in asked.items() if text.startswith("again: "))
        texts = {d: text.removeprefix("again: ") for d, text in asked.items()}
        self.sent[remote.id] = Sent(remote, nonce, texts, now + self.seconds, again)
        return self.after("create") or remote

    async def retrieve(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        refused = await self._begin("retrieve")
        return self._now(self.sent[batch]) if refused is None else refused

    async def recent(self, since: float) -> Sequence[RemoteBatch] | Outcome[str] | Halt:
        refused = await self._begin("recent")
        if refused is not None:
            return refused
        found = [self._now(each) for each in self.sent.values()]
        until = self.clock.now() + self.ahead_s - self.listed_after_s
        return [each for each in reversed(found) if since <= each.created_at <= until]

    async def nonce_of(self, batch: str) -> str | Outcome[str] | Halt:
        refused = await self._begin("nonce_of")
        return self.sent[batch].nonce if refused is None else refused

    async def results(
        self, batch: str, nonce: str
    ) -> AsyncIterator[BatchResult | Outcome[str] | Halt]:
        refused = await self._begin("results")
        sent = self.sent[batch]
        is_ours = refused is None and sent.nonce == nonce
        results = self._results(sent) if is_ours else []
        for result in results:
            broken = self.fault("result")
            if broken is not None:
                refused = broken
                break
            yield result
        if refused is not None:
            yield refused

    async def cancel(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        sent = self.sent[batch]
        sent.ends_at = self.clock.now()
        return self._now(sent)

    def end_all(self) -> None:
        """Have all batches end now."""
        for sent in self.sent.values():
            sent.ends_at = min(sent.ends_at, self.clock.now())

    @property
    def asked(self) -> list[str]:
        """Every text that was asked, as often as it was."""
        return [text for sent in self.sent.values() for text in sent.asked.values()]

    @property
    def answered(self) -> list[str]:
        """Every text that was answered and billed, as often as it was."""
        return [
            sent.asked[result.digest]
            for sent in self.sent.values()
            for result in self._results(sent)
            if isinstance(result.outcome, Outcome) and result.outcome.kind.is_paid
        ]

    async def _begin(self, operation: str) -> Outcome[str] | Halt | None:
        self.calls.append(operation)
        await anyio.lowlevel.checkpoint()
        return self.fault(operation)

    def _now(self, sent: Sent) -> RemoteBatch:
        return replace(sent.remote, is_ended=self.clock.now() >= sent.ends_at)

    def _results(self, sent: Sent) -> list[BatchResult]:
        """Backwards: no order is promised."""
        if not sent.results:
            said = [(d, self.script(text, self._tries(sent, d))) for d, text in sent.asked.items()]
            sent.results = [_result(digest, each) for digest, each in reversed(said)]
        return sent.results

    def _tries(self, sent: Sent, digest: str) -> int:
        until = list(self.sent.values())
        earlier = until[: until.index(sent) + 1]
        return sum(digest in each.asked for each in earlier)


def _result(digest: str, said: Said) -> BatchResult:
    if isinstance(said, str):
        verdict = Verdict(said, 0.9, "scripted", USAGE)
        outcome = replace(judged(verdict), cost=COST)
        return BatchResult(digest, ResultKind.SUCCEEDED, outcome)
    if isinstance(said, Halt):
        return BatchResult(digest, ResultKind.ERRORED, said)
    if said.verdict is not None:
        return BatchResult(digest, ResultKind.SUCCEEDED, said)
    if said.kind.is_paid:
        return BatchResult(digest, ResultKind.SUCCEEDED, replace(said, usage=USAGE, cost=COST))
    kinds = {"expired in the batch": ResultKind.EXPIRED, "canceled": ResultKind.CANCELED}
    return BatchResult(digest, kinds.get(said.detail, ResultKind.ERRORED), said)


class BatchClassifier(ScriptedClassifier):
    """A scripted classifier that asks in batches, and never directly."""

    def __init__(self, taxonomy: Taxonomy[str], batches: Provider) -> None:
        super().__init__(taxonomy, _not_directly, worst=lambda _: 2 * WORST)
        self.batches = batches


def _not_directly(item: Item) -> str:
    raise AssertionError(f"item {item.key} was asked by a call of its own")
