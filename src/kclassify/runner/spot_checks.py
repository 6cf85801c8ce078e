"""What people's checks of written rows come to, for a commit that is about to write more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches

from kclassify.core.canary import Inspection, Pending, SpotCheck, Tranches, go_on
from kclassify.core.decision import Halt
from kclassify.errors import SourceError
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
    """Where the checks come from, and how many rows are written before the next are wanted.

    `known` are the labels that a check may give: all that the taxonomy knows.
    """

    ledger: Ledger
    canary: Canary | None
    tranches: Tranches | None
    known: Collection[str]

    def look(self, run: str, authority: Authority) -> Sight | None:
        """What they say of all that the run has written; None when nobody is to look at any.

        Raises what the canary raises, and `SourceError` for a check whose label is no category.
        """
        if self.canary is None and self.tranches is None:
            return None
        checks = [] if self.canary is None else list(self.canary.checks())
        self._refuse_unknown(checks)
        written = self.ledger.written(run)
        inspection = Inspection.of(written, checks, authority.sampled, authority.gate)
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

    def _refuse_unknown(self, checks: Collection[SpotCheck]) -> None:
        for check in checks:
            if check.gold not in self.known:
                close = get_close_matches(check.gold, self.known, n=1)
                way_out = (
                    f"did you mean {close[0]!r}?"
                    if close
                    else f"there are {', '.join(sorted(self.known))}"
                )
                place = f"{check.place}: " if check.place else ""
                raise SourceError(
                    f"{place}the spot check of row {check.key!r} gives the label {check.gold!r}, "
                    f"which is no category of the taxonomy; {way_out}"
                )

    @property
    def _asked_for(self) -> Tranches | None:
        """Without a canary nobody can check: the next commit goes on."""
        if self.tranches is None or self.canary is not None:
            return self.tranches
        return replace(self.tranches, checks=0)
