"""What the suite for ledgers is made of: requests, items, outcomes and a worker."""
# ruff: noqa: S101 - a suite of tests: assert is how it speaks

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.division import Division
from kclassify.core.item import Key, digest_of
from kclassify.core.policy import Action, Change
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict, judged
from kclassify.ports import (
    Checkpoint,
    Ledger,
    Mode,
    OnCommit,
    Pass,
    PassRequest,
    Recorded,
    Settled,
    Writer,
)

MakeLedger = Callable[[], Ledger]
FINGERPRINT = "f" * 64
NOW = 1_800_000_000.25
LEASE_S = 60.0
USAGE = Usage(1200, 30, 400, 800)
IN_THREE = Division((2, 4), (2, 2, 2))


class LedgerMaterial:
    """The fixtures of the suite."""

    @pytest.fixture
    def ledger(self, make_ledger: MakeLedger) -> Ledger:
        """A ledger over empty storage."""
        return make_ledger()


def request_of(
    mode: Mode = Mode.COMMIT,
    *,
    number: int | None = None,
    shard: int | None = None,
    **given: str,
) -> PassRequest:
    """A request for the same run each time, but for what is given."""
    values = {"run": "r", "fingerprint": FINGERPRINT, "model": "m", "source": "articles"} | given
    return replace(
        PassRequest(values["run"], mode, values["fingerprint"], values["model"], values["source"]),
        override=values.get("override"),
        gate=values.get("gate"),
        gate_refusal=values.get("gate_refusal"),
        number=number,
        shard=shard,
    )


def open_pass(
    ledger: Ledger,
    mode: Mode = Mode.COMMIT,
    *,
    holder: str = "one",
    now: float = NOW,
    number: int | None = None,
    shard: int | None = None,
    **given: str,
) -> Pass:
    """The pass that a worker gets; an assertion fails when it gets none."""
    opened = ledger.open(
        request_of(mode, number=number, shard=shard, **given), holder, now, LEASE_S
    )
    assert isinstance(opened, Pass), opened
    return opened


def divided(
    ledger: Ledger,
    mode: Mode = Mode.DRY_RUN,
    *,
    opened: Pass | None = None,
    division: Division = IN_THREE,
    now: float = NOW,
) -> Pass:
    """The first shard of a pass that is cut in three; an assertion fails when it is not."""
    whole = open_pass(ledger, mode) if opened is None else opened
    first = ledger.divide(whole, division, now, LEASE_S)
    assert isinstance(first, Pass), first
    return first


def three_workers(ledger: Ledger, mode: Mode = Mode.DRY_RUN) -> tuple[Pass, Pass, Pass]:
    """What workers `one`, `two` and `three` hold of a pass that is cut in three."""
    first = divided(ledger, mode)
    second, third = (open_pass(ledger, mode, holder=name) for name in ("two", "three"))
    return first, second, third


def shard_of(opened: Pass) -> tuple[int, Key | None, Key | None]:
    """Its number, what it follows and how far it goes; an assertion fails when it is no shard."""
    assert opened.shard is not None, opened
    return opened.shard.number, opened.shard.after, opened.shard.until


def verdict_of(label: str = "playbook", confidence: float = 0.9) -> Outcome[str]:
    """A judged outcome, with usage and a cut body."""
    return judged(Verdict(label, confidence, "model-1", USAGE), body_chars_cut=7)


def failed(kind: OutcomeKind) -> Outcome[str]:
    """An outcome without a verdict."""
    return Outcome(kind, detail=f"it was {kind}", usage=USAGE, retry_after_s=3.0)


def digest(key: Key) -> str:
    """The digest of the item with this key."""
    return digest_of("", f"text of {key}")


def change(key: Key, before: str | None = "convention", after: str = "playbook") -> Settled:
    """An item that is to be relabelled."""
    outcome = verdict_of(after)
    return Settled(key, digest(key), before, outcome, Change(key, before, after, 0.9))


def same(key: Key, label: str = "playbook") -> Settled:
    """An item that has the right label already."""
    return Settled(key, digest(key), label, verdict_of(label), Action.SAME)


def failure(key: Key, kind: OutcomeKind) -> Settled:
    """An item that got no answer."""
    return Settled(key, digest(key), "convention", failed(kind), Action.FAILED)


def checkpoint_of(
    settled: Sequence[Settled],
    cursor: Key | None = None,
    breaker: Breaker | None = None,
    suspects: tuple[Suspect, ...] = (),
) -> Checkpoint:
    """A checkpoint up to the last item, when no cursor is given."""
    last = settled[-1].item_key if settled and cursor is None else cursor
    return Checkpoint(settled, last, breaker or Breaker(), suspects)


def save(
    ledger: Ledger,
    opened: Pass,
    settled: Sequence[Settled],
    writer: Writer | None = None,
    on_commit: OnCommit | None = None,
) -> Recorded:
    """The record of a checkpoint; an assertion fails when it is refused."""
    recorded = ledger.checkpoint(
        opened, FINGERPRINT, checkpoint_of(settled), writer, NOW, on_commit
    )
    assert isinstance(recorded, Recorded), recorded
    return recorded
