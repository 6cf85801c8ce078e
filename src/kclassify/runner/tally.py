"""What one checkpoint did, as an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from kclassify.core.policy import Action, Change
from kclassify.core.verdict import OutcomeKind
from kclassify.events import Checkpointed
from kclassify.ports import Pass, Settled


def _spared_a_call(one: Settled) -> bool:
    return one.outcome.recalled and one.outcome.kind is not OutcomeKind.EMPTY


def _by_name(members: Iterable[StrEnum]) -> Counter[str]:
    return Counter({str(member): count for member, count in Counter(members).items()})


def checkpointed(
    opened: Pass, settled: Sequence[Settled], actions: Sequence[Action]
) -> Checkpointed:
    """The event for a transaction that settled these items with these actions."""
    changes = [one.action for one in settled if isinstance(one.action, Change)]
    return Checkpointed(
        cursor=opened.cursor,
        settled=opened.elsewhere + opened.settled,
        transitions=Counter((change.before, change.after) for change in changes),
        kinds=_by_name(one.outcome.kind for one in settled),
        actions=_by_name(actions),
        recalled=sum(_spared_a_call(one) for one in settled),
    )
