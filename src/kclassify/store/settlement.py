"""What a checkpoint does with each settled item: pure, from what was asked and what is audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kclassify.core.item import Key, encode_key
from kclassify.core.policy import Action, Change
from kclassify.core.states import ChangeStatus
from kclassify.errors import SourceError
from kclassify.ports import Mode, Pass, Receipt, Settled, Write, WriteResult


@dataclass(frozen=True, slots=True)
class Audited:
    """A change of this pass that is in the audit already."""

    change: Change
    status: ChangeStatus


@dataclass(frozen=True, slots=True)
class Final:
    """A settled item with what became of it. `change` is what was written, tried or proposed."""

    settled: Settled
    action: Action
    change: Change | None = None

    @property
    def before(self) -> str | None:
        """The label that the item had when it was first read in this pass."""
        return self.settled.current if self.change is None else self.change.before

    @property
    def after(self) -> str | None:
        """The label that it was given or would be given, None when it got none."""
        if self.change is not None:
            return self.change.after
        verdict = self.settled.outcome.verdict
        return None if verdict is None else str(verdict.label)


Transition = tuple[str, Action, str | None, str | None]
"""Kind of outcome, action, label before, label after."""


def idempotency_key(opened: Pass, key: Key) -> str:
    """The same for every try to write this item in this pass, and for no other write."""
    return _prefix_of(opened) + encode_key(key)


def idempotency_keys(opened: Pass, settled: Iterable[Settled]) -> list[str]:
    """Those of these items, in order."""
    prefix = _prefix_of(opened)
    return [prefix + encode_key(item.item_key) for item in settled]


def _prefix_of(opened: Pass) -> str:
    return identity_of(opened.run, opened.number, "")


def identity_of(run: str, number: int, encoded_key: str) -> str:
    """The idempotency key of the write of an item in the pass of this number."""
    escaped = run.replace("%", "%25").replace(":", "%3A")
    return f"{escaped}:{number}:{encoded_key}"


def plan_writes(
    opened: Pass, settled: Iterable[Settled], audited: Mapping[str, Audited]
) -> list[Write]:
    """What the writer is to do: new changes, and again those whose fate is unknown."""
    if opened.mode is Mode.DRY_RUN:
        return []
    prefix = _prefix_of(opened)
    planned = (_write(prefix, item, audited) for item in settled)
    return [write for write in planned if write is not None]


def _write(prefix: str, item: Settled, audited: Mapping[str, Audited]) -> Write | None:
    if not audited and not isinstance(item.action, Change):
        return None
    identity = prefix + encode_key(item.item_key)
    known = audited.get(identity)
    if known is not None and known.status is ChangeStatus.INTENT:
        return Write(known.change, identity, redo=True)
    if known is None and isinstance(item.action, Change):
        return Write(item.action, identity)
    return None


def status_of(receipt: Receipt) -> ChangeStatus:
    """What the audit says of a write with this receipt."""
    written = receipt.result is WriteResult.WRITTEN
    return ChangeStatus.WRITTEN if written else ChangeStatus.CONFLICT


def with_results(
    audited: Mapping[str, Audited], results: Sequence[tuple[Write, Receipt]]
) -> dict[str, Audited]:
    """The audit after these writes."""
    news = {
        write.idempotency_key: Audited(write.change, status_of(receipt))
        for write, receipt in results
    }
    return {**audited, **news}


def finals(opened: Pass, settled: Iterable[Settled], audited: Mapping[str, Audited]) -> list[Final]:
    """What became of each item, in order, by the audit where it knows the item."""
    if not audited:
        return [_final(item, None) for item in settled]
    prefix = _prefix_of(opened)
    return [_final(item, audited.get(prefix + encode_key(item.item_key))) for item in settled]


def _final(item: Settled, known: Audited | None) -> Final:
    if known is not None:
        conflict = known.status is ChangeStatus.CONFLICT
        return Final(item, Action.CONFLICT if conflict else Action.WRITTEN, known.change)
    if isinstance(item.action, Change):
        return Final(item, Action.CHANGE, item.action)
    return Final(item, item.action)


def tally(items: Iterable[Final]) -> Counter[Transition]:
    """How many items ended alike."""
    return Counter(
        (item.settled.outcome.kind.value, item.action, item.before, item.after) for item in items
    )


def met_twice(opened: Pass) -> str:
    """The complaint about an item that this pass has settled already."""
    return (
        f"pass {opened.number} of run {opened.run!r} met an item for the second time: the key of "
        "the source is not unique, or its order changed during the run"
    )


def refuse_repeated(opened: Pass, settled: Sequence[Settled]) -> None:
    """Raise `SourceError` when one item is there twice."""
    if len({encode_key(item.item_key) for item in settled}) < len(settled):
        raise SourceError(met_twice(opened))


def moved(opened: Pass, settled: Sequence[Settled], cursor: Key | None) -> Pass:
    """The pass with these items behind its cursor."""
    return replace(opened, cursor=cursor, settled=opened.settled + len(settled))
