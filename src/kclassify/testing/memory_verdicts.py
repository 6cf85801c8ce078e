"""What a memory ledger remembers of what was said, by item digest and fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from kclassify.core.verdict import Outcome
from kclassify.store.verdicts import first_of_each


class MemoryVerdicts(dict[tuple[str, str], Outcome[str]]):
    """Outcomes by item digest and fingerprint."""

    def recall(self, digests: Collection[str], fingerprint: str) -> dict[str, Outcome[str]]:
        """The recorded outcomes among these items, by item digest, each marked as recalled."""
        found = {digest: self.get((digest, fingerprint)) for digest in digests}
        return {key: outcome.as_recalled() for key, outcome in found.items() if outcome}

    def record(
        self, fingerprint: str, outcomes: Sequence[tuple[str, Outcome[str]]]
    ) -> dict[str, Outcome[str]]:
        """Store outcomes by item digest; those that were there before, and count instead."""
        first = first_of_each(outcomes)
        inserted = {digest for digest in first if (digest, fingerprint) not in self}
        for digest in inserted:
            kept = replace(first[digest], retry_after_s=None, cost=None, uncertain=0)
            self[digest, fingerprint] = kept
        late = {each for each, said in outcomes if each not in inserted or said != first[each]}
        return self.recall(late, fingerprint)

    def forget_failures_of(self, fingerprint: str, digests: Collection[str]) -> None:
        """Forget the outcomes of these items that are failures."""
        for digest in digests:
            found = self.get((digest, fingerprint))
            if found is not None and found.kind.is_failure:
                del self[digest, fingerprint]
