"""What one simulation came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from kclassify.core.finding import Finding
from kclassify.testing.simulation.referee import Tally


@dataclass(frozen=True, slots=True)
class Report:
    """Its seed, what was found, what was counted, and what happened, event by event.

    `crash` is an error that no runner should raise, in one line.
    """

    seed: int
    findings: tuple[Finding, ...]
    tally: Tally
    outages: int
    items: int
    simulated_s: float
    crash: str | None
    trace: Sequence[tuple[object, ...]]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings and self.crash is None

    @property
    def told(self) -> str:
        """What was found, a line each; empty when nothing was."""
        lines = [
            f"{each.invariant.value}. {each.message} ({each.count}; {'; '.join(each.evidence)})"
            for each in self.findings
        ]
        return "\n".join(lines if self.crash is None else [*lines, self.crash])

    @property
    def digest(self) -> str:
        """A digest of the trace: two simulations that agree in it went the same way."""
        return blake2b(repr(self.trace).encode(), digest_size=8).hexdigest()
