"""What people's checks of written rows come to, for a commit that is about to write more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kclassify.core.canary import Inspection, Pending, Tranches, go_on
from kclassify.core.decision import Halt
from kclassify.events import TrancheEnded
from kclassify.ports import Canary, Ledger
from kclassify.runner.authority import Authority


@dataclass(frozen=True, slots=True)
class Sight:
    """What a commit does next: end, wait, or write so many rows (None: all there are).

    `told` is where its tranche is. `overridden` is the end that an override sets aside.
    """

    following: Halt | Pending | int | None
    told: TrancheEnded
    overridden: Halt | None = None


@dataclass(frozen=True, slots=True)
class SpotChecks:
    """Where the checks come from, and how many rows are written before the next are wanted."""

    ledger: Ledger
    canary: Canary | None
    tranches: Tranches | None

    def look(self, run: str, authority: Authority) -> Sight | None:
        """What they say of all that the run has written; None when nobody is to look at any.

        Raises what the canary raises.
        """
        if self.canary is None and self.tranches is None:
            return None
        checks = [] if self.canary is None else list(self.canary.checks())
        inspection = Inspection.of(self.ledger.written(run), checks, authority.sampled)
        tranches = self._asked_for
        drift = inspection.spotted.drift(authority.standard)
        is_overridden = authority.override is not None
        following = go_on(tranches, inspection, None if is_overridden else authority.standard)
        counts = (
            (0, 0)
            if tranches is None
            else (inspection.checked(tranches), inspection.wanted(tranches))
        )
        told = TrancheEnded(inspection.written, *counts)
        return Sight(following, told, drift if is_overridden else None)

    @property
    def _asked_for(self) -> Tranches | None:
        """Without a canary nobody can check: the next commit goes on."""
        if self.tranches is None or self.canary is not None:
            return self.tranches
        return replace(self.tranches, checks=0)
