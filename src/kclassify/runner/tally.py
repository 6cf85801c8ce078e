"""What one checkpoint did, as an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kclassify.core.policy import Action, Change
from kclassify.events import Checkpointed
from kclassify.ports import Pass, Settled


def checkpointed(
    opened: Pass, settled: Sequence[Settled], actions: Sequence[Action]
) -> Checkpointed:
    """The event for a transaction that settled these items with these actions."""
    changes = [one.action for one in settled if isinstance(one.action, Change)]
    return Checkpointed(
        cursor=opened.cursor,
        settled=opened.settled,
        transitions=Counter((change.before, change.after) for change in changes),
        kinds=Counter(one.outcome.kind.value for one in settled),
        actions=Counter(action.value for action in actions),
        recalled=sum(one.outcome.recalled for one in settled),
    )
