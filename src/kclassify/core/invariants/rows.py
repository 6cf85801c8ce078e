"""The source as it is now against the ledger: no item lost, and each row holds what it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kclassify.core.finding import Invariant
from kclassify.core.invariants.facts import OutcomeFact, PartFact, PassFact, RunFacts
from kclassify.core.invariants.found import EXAMPLES, Found, Tell, spelt
from kclassify.core.invariants.held import Held
from kclassify.core.item import Item, encode_key
from kclassify.core.states import PassStatus

_LOST = (
    "items behind the cursor have no outcome: lost, or their rows were inserted there since; "
    "another pass settles them"
)
_LEFT = (
    "items behind the end of a finished pass have no outcome: lost, or their rows are newer; "
    "another pass settles them"
)


@dataclass(slots=True)
class Rows:
    """How many items there are, and how many of them have no outcome.

    `lost` were passed by; `behind_the_end` follow the last item of a finished pass.
    """

    items: int = 0
    lost: int = 0
    behind_the_end: int = 0


Begins = Mapping[tuple[int, int], str]
"""The first item that there is of a shard, by the numbers of its pass and of the shard."""


def check_rows(
    facts: RunFacts,
    pages: Iterable[Sequence[Item]],
    found: Found,
    begins: Begins,
    *,
    every_pass: bool,
) -> Rows:
    """Walk the source once, beside its outcomes in the latest pass, or in every pass."""
    found.checked |= {Invariant.OUTAGE_PAUSES, Invariant.COMPARE_AND_SET}
    looked_at = _looked_at(facts, every_pass=every_pass)
    walks = [_Walk(facts, each, found, _parts_by_begin(each, begins)) for each in looked_at]
    held = Held(facts, walks[-1].of.number if walks else 0, found)
    rows = Rows()
    for page in pages:
        rows.items += len(page)
        keys = [encode_key(item.key) for item in page]
        settled = [walk.step(keys) for walk in walks]
        if not facts.lease.is_alive:
            held.check(page, keys, settled[-1] if settled else {})
    for walk in walks:
        walk.end()
    rows.lost = max((walk.lost for walk in walks), default=0)
    rows.behind_the_end = walks[-1].behind_the_end if walks else 0
    if facts.lease.is_alive:
        found.unchecked.append("the labels in the table: a worker holds the run and may write")
    else:
        found.checked.add(Invariant.ROLLBACK)
    return rows


def _looked_at(facts: RunFacts, *, every_pass: bool) -> list[PassFact]:
    begun = [each for each in facts.passes if each.settled or each.status is PassStatus.DONE]
    ours = [each for each in begun if each.source == begun[-1].source]
    return ours if every_pass else ours[-1:]


def _parts_by_begin(of: PassFact, begins: Begins) -> dict[str, PartFact]:
    firsts = {begins.get((of.number, part.number)): part for part in of.shards}
    return {first: part for first, part in firsts.items() if first is not None}


@dataclass(slots=True)
class _Walk:
    """One pass beside the source: what is settled is a beginning of it, or of each of its shards.

    `_parts` are the shards by their first item; a pass in one piece has none.
    """

    _facts: RunFacts
    of: PassFact
    _found: Found
    _parts: Mapping[str, PartFact]
    _part: PartFact | None = None
    lost: int = 0
    behind_the_end: int = 0
    _is_behind: bool = False
    _waiting: int = 0
    _examples: list[str] = field(default_factory=list[str])

    def step(self, keys: Sequence[str]) -> dict[str, OutcomeFact]:
        """The outcomes of the next items of the source."""
        outcomes = dict(self._facts.outcomes_of(self.of.number, keys))
        for key in keys:
            if self._part is None or key in self._parts:
                self._enter(self._parts.get(key, self.of.parts[0]))
            if key not in outcomes:
                self._wait(key)
            elif self._is_behind:
                message = "items are settled that lie behind the cursor's row"
                self._found.broken(Invariant.OUTAGE_PAUSES, message, self._told(key))
            else:
                self._lose()
            if self._part is not None and key == self._part.cursor:
                self._lose()
                self._is_behind = True
        return outcomes

    def _enter(self, part: PartFact) -> None:
        self.end()
        self._part, self._is_behind, self._waiting = part, False, 0
        self._examples.clear()

    def end(self) -> None:
        """There are no more items, of the source or of the part that was walked last."""
        is_done = self._part is not None and self._part.status is PassStatus.DONE
        if self._waiting and is_done:
            self._tell(self._found.suspect, _LEFT)
            self.behind_the_end += self._waiting
            self.lost += self._waiting if self._found.alone else 0

    def _told(self, key: str) -> str:
        return f"pass {self.of.number}, {spelt(key)}"

    def _wait(self, key: str) -> None:
        self._waiting += 1
        if len(self._examples) < EXAMPLES:
            self._examples.append(key)

    def _lose(self) -> None:
        """What waits will never be settled in this pass: a later item is, or the cursor is here."""
        self._tell(self._found.broken, _LOST)
        self.lost += self._waiting
        self._waiting = 0
        self._examples.clear()

    def _tell(self, tell: Tell, message: str) -> None:
        for number, key in enumerate(self._examples):
            count = 1 if number else 1 + self._waiting - len(self._examples)
            tell(Invariant.OUTAGE_PAUSES, message, self._told(key), count)
