"""Which items a run may take from its source, and what is known of each as it comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kclassify.core.availability import Suspect
from kclassify.core.item import Item
from kclassify.core.policy import RunPolicy
from kclassify.core.unsettled import Unsettled
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.core.window import Entry, Phase, Window


class Admission:
    """Takes items in order, as many as the window and `max_items` leave room for.

    `suspects` are the items whose failures an earlier step could not tell from an outage; those
    that have not come in yet are kept. `is_exhausted` says that the source has no more.
    """

    def __init__(
        self,
        policy: RunPolicy,
        window: Window,
        items: Unsettled,
        suspects: Sequence[Suspect],
        max_items: int | None,
    ) -> None:
        self._policy = policy
        self._window = window
        self._items = items
        self._suspects = {suspect.key: suspect for suspect in suspects}
        self._last = 2**63 if max_items is None else max_items
        self.is_exhausted = False

    @property
    def room(self) -> int:
        """How many more items may be admitted now."""
        if self.is_exhausted:
            return 0
        return min(self._policy.window - len(self._window), self._last - self._window.admitted)

    @property
    def wants_items(self) -> bool:
        """Whether it is time to fetch a page: calls would run out, or half the window is free."""
        few = len(self._items.fresh) < 2 * self._policy.max_concurrency
        return self.room > 0 and (few or self.room >= self._policy.window // 2)

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """Those that have not come in yet."""
        return tuple(self._suspects.values())

    def admit(self, items: Sequence[Item], recalled: Mapping[str, Outcome[str]]) -> None:
        """Take the next items of the source, in order, with what the ledger recalls of them."""
        for item in items:
            known = recalled.get(item.digest)
            is_suspect = item.key in self._suspects
            if known is None or is_suspect or item.is_empty or self._window.asks(item):
                self._append(item, known)
            else:
                self._window.append_settled(item, known.as_recalled())

    def _append(self, item: Item, recalled: Outcome[str] | None) -> None:
        entry = self._window.append(item)
        if entry.phase is Phase.FRESH:
            self._place(entry, recalled)

    def end(self) -> None:
        """There are no more items."""
        self.is_exhausted = True
        self._suspects.clear()

    def _place(self, entry: Entry, recalled: Outcome[str] | None) -> None:
        suspect = self._suspects.pop(entry.item.key, None)
        if entry.item.is_empty:
            entry.settle(Outcome(OutcomeKind.EMPTY, detail="the body holds no text"))
        elif recalled is not None:
            entry.settle(recalled.as_recalled())
        elif suspect is not None:
            entry.restore(suspect)
            self._items.wait(entry, 0.0)
        else:
            self._items.fresh.append(entry)
