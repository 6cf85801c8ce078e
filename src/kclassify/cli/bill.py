"""What a run costs, gathered from its events."""

from __future__ import annotations

from dataclasses import dataclass, field

from kclassify.classifier.model import LOCAL
from kclassify.cli.spending_facts import in_dollars
from kclassify.cli.wording import cost_of, without_price
from kclassify.core.dollars import dollars
from kclassify.core.price import NANODOLLARS
from kclassify.core.spending import NOTHING, Charge, Spending
from kclassify.core.verdict import Usage
from kclassify.events import BatchChanged, CallEnded, Event, PassOpened


@dataclass(slots=True)
class Bill:
    """`before` is what the run had spent when its pass was opened, `budget` what it may spend.

    `charge` is what this call of the command came to, with `model`. Amounts are nanodollars.
    """

    before: Spending = field(default_factory=Spending)
    budget: int | None = None
    charge: Charge = NOTHING
    model: str = ""
    _since: Charge = NOTHING

    def take(self, event: Event) -> None:
        """Go on by one event."""
        match event:
            case PassOpened():  # what was spent is told anew, this command's own calls included
                self.before, self.budget, self._since = event.spent, event.budget, NOTHING
                self.model = event.model
            case CallEnded():
                told = (event.seconds, event.usage, event.cost, event.uncertain)
                self._add(Charge.of_call(*told))
            case BatchChanged():
                self._add(event.charge)
            case _:
                pass

    def _add(self, charge: Charge) -> None:
        self.charge, self._since = self.charge + charge, self._since + charge

    @property
    def run(self) -> Charge:
        """What the whole run came to so far, as far as this worker knows."""
        return self.before.charge + self._since

    @property
    def told(self) -> str:
        """`$1.23 of $50.00, 93% of the input from the cache`; empty where nothing costs."""
        if self.budget is None and not self.run:
            return ""
        is_unknown = self.run.unpriced and not self.run.cost
        parts = [f"{'cost ' if is_unknown else ''}{self._spent}", _from_cache(self.charge.usage)]
        return ", ".join(part for part in parts if part)

    @property
    def _spent(self) -> str:
        of = "" if self.budget is None else f" of {dollars(self.budget)}"
        return f"{cost_of(self.run)}{of}"

    @property
    def _is_free(self) -> bool:
        """Whether nothing was asked that could cost anything, in all of the run."""
        return self.model in {"", LOCAL} and self.budget is None and not self.run

    @property
    def _why_unknown(self) -> str:
        if self.charge.unpriced:
            return without_price([self.model])
        return " (no price for calls before this command)" if self.run.unpriced else ""

    def lines(self) -> list[str]:
        """What is said at the end."""
        if self._is_free:
            return []
        own = "" if self.charge == self.run else f", {cost_of(self.charge)} of it by this command"
        said = [f"Cost of the run: {self._spent}{own}{self._why_unknown}"]
        if self.run.uncertain:
            said.append(
                f"Up to {dollars(self.run.uncertain)} more may be billed, for calls whose answer "
                "nobody saw"
            )
        hit = _from_cache(self.charge.usage)
        return [*said, hit] if hit else said

    def facts(self) -> dict[str, object]:
        """The same as data, in dollars and shares."""
        return {
            "run_usd": in_dollars(self.run),
            "call_usd": in_dollars(self.charge),
            "uncertain_usd": self.run.uncertain / NANODOLLARS,
            "budget_usd": None if self.budget is None else self.budget / NANODOLLARS,
            "unpriced_calls": self.run.unpriced,
            "cache_hit_rate": cache_hits(self.charge.usage),
        }


def cache_hits(usage: Usage) -> float | None:
    """The share of the input that was read from the provider's cache; None of no input."""
    return usage.cache_read_tokens / usage.all_input if usage.all_input else None


def _from_cache(usage: Usage) -> str:
    share = cache_hits(usage)
    return f"{share:.0%} of the input from the cache" if share else ""
