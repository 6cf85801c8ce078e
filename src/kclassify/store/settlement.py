"""What a checkpoint does with each settled item: pure, from what was asked and what is audited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kclassify.core.item import Key, encode_key
from kclassify.core.policy import Action, Change
from kclassify.core.states import ChangeStatus
from kclassify.errors import SourceError
from kclassify.ports import Mode, Pass, Receipt, Settled, Write, WriteResult


@dataclass(slots=True)
class Audited:
    """A change of this pass that is in the audit already."""

    change: Change
    status: ChangeStatus


@dataclass(slots=True)
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


def idempotency_keys(opened: Pass, settled: Iterable[Settled]) -> list[str]:
    """The same for every try to write an item in this pass, and for no other write; in order.

    Raises `SourceError` when one item is there twice.
    """
    prefix = identity_of(opened.run, opened.number, "")
    keys = [prefix + encode_key(item.item_key) for item in settled]
    if len(set(keys)) < len(keys):
        raise SourceError(met_twice(opened))
    return keys


def identity_of(run: str, number: int, encoded_key: str) -> str:
    """The idempotency key of the write of an item in the pass of this number."""
    escaped = run.replace("%", "%25").replace(":", "%3A")
    return f"{escaped}:{number}:{encoded_key}"


def plan_writes(
    opened: Pass,
    settled: Iterable[Settled],
    identities: Iterable[str],
    audited: Mapping[str, Audited],
) -> list[Write]:
    """What the writer is to do: new changes, and again those whose fate is unknown.

    `identities` are the idempotency keys of the items.
    """
    if opened.mode is Mode.DRY_RUN:
        return []
    named = zip(settled, identities, strict=True)
    planned = (_write(item.action, identity, audited.get(identity)) for item, identity in named)
    return [write for write in planned if write is not None]


def _write(action: Change | Action, identity: str, known: Audited | None) -> Write | None:
    if known is not None and known.status is ChangeStatus.INTENT:
        return Write(known.change, identity, redo=True)
    return Write(action, identity) if known is None and isinstance(action, Change) else None


def status_of(receipt: Receipt) -> ChangeStatus:
    """What the audit says of a write with this receipt."""
    written = receipt.result is WriteResult.WRITTEN
    return ChangeStatus.WRITTEN if written else ChangeStatus.CONFLICT


def statuses(results: Iterable[tuple[Write, Receipt]]) -> dict[str, ChangeStatus]:
    """What became of writes, by idempotency key."""
    return {write.idempotency_key: status_of(receipt) for write, receipt in results}


def finals(
    settled: Iterable[Settled],
    identities: Iterable[str],
    audited: Mapping[str, Audited],
    written: Mapping[str, ChangeStatus],
) -> Iterator[Final]:
    """What became of each item, in order: by idempotency key `written` now, or `audited` before."""
    for item, key in zip(settled, identities, strict=True):
        yield _final(item, audited.get(key), written.get(key))


def _final(item: Settled, known: Audited | None, status: ChangeStatus | None) -> Final:
    action = item.action
    change = action if known is None else known.change
    if status is None and known is not None:
        status = known.status
    if not isinstance(change, Change):
        return Final(item, change)
    if status is None:
        return Final(item, Action.CHANGE, change)
    conflict = status is ChangeStatus.CONFLICT
    return Final(item, Action.CONFLICT if conflict else Action.WRITTEN, change)


def transition(item: Final) -> Transition:
    """How the item ended."""
    return str(item.settled.outcome.kind), item.action, item.before, item.after


def met_twice(opened: Pass) -> str:
    """The complaint about an item that this pass has settled already."""
    return (
        f"pass {opened.number} of run {opened.run!r} met an item for the second time: the key of "
        "the source is not unique, or its order changed during the run"
    )


def moved(opened: Pass, settled: Sequence[Settled], cursor: Key | None) -> Pass:
    """The pass with these items behind its cursor."""
    return replace(opened, cursor=cursor, settled=opened.settled + len(settled))
