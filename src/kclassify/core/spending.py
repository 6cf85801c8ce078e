"""What a run has spent, what it holds for calls in flight, and what it may not exceed.

All amounts are whole nanodollars. Whoever starts a call holds its worst case first, in the ledger,
and gives back what is left of it once the provider has said what it counted. What was spent, may
have been spent and is held never exceeds the budget together, whoever dies when: what a dead worker
held stays held, since its calls may be on the bill.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kclassify.core.verdict import Outcome, Usage


@dataclass(frozen=True, slots=True)
class Charge:
    """What calls came to: how many that are on the bill, how long they took, what they used.

    `cost` is that of the usage, where the price is known; `unpriced` counts the calls whose price
    is not. `uncertain` is what calls whose answer nobody saw can have cost at most, beyond that.
    `questions` counts what the calls asked: a call asks again when a reply cannot be used.
    """

    calls: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    cost: int = 0
    unpriced: int = 0
    uncertain: int = 0
    questions: int = 0

    def __add__(self, other: Charge) -> Charge:
        return Charge(
            self.calls + other.calls,
            self.seconds + other.seconds,
            self.usage + other.usage,
            self.cost + other.cost,
            self.unpriced + other.unpriced,
            self.uncertain + other.uncertain,
            self.questions + other.questions,
        )

    def __bool__(self) -> bool:
        return self != NOTHING

    @classmethod
    def of(cls, outcome: Outcome[str], seconds: float = 0.0) -> Charge:
        """What this call came to; nothing where the provider billed nothing."""
        if outcome.recalled:
            return NOTHING
        usage, cost, uncertain = outcome.usage, outcome.cost, outcome.uncertain
        return cls.of_call(seconds, usage, cost, uncertain, outcome.questions)

    @classmethod
    def of_call(
        cls,
        seconds: float,
        usage: Usage,
        cost: int | None,
        uncertain: int | None,
        questions: int = 1,
    ) -> Charge:
        """The same of a call of which this much is known; None is what nobody knows."""
        if usage == Usage() and uncertain == 0:
            return NOTHING
        unpriced = int(cost is None or uncertain is None)
        return cls(1, seconds, usage, cost or 0, unpriced, uncertain or 0, questions)


NOTHING = Charge()


@dataclass(frozen=True, slots=True)
class Hold:
    """What a step holds of the budget, in all. `left` is what nobody has spent or holds.

    `others` says that workers who live, or batches of the same pass, hold some of the rest: it may
    come back.
    """

    held: int
    left: int
    others: bool = False


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run has spent in all its passes, and what is held for calls that have not ended."""

    charge: Charge = NOTHING
    held: int = 0

    @property
    def most(self) -> int:
        """What all of it can have cost at most."""
        return self.charge.cost + self.charge.uncertain + self.held
