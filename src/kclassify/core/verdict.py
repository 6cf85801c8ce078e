"""What a classifier said of one item, and what happened to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from kclassify.core.rate_limit import RateLimit

L_co = TypeVar("L_co", bound=str, covariant=True)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, re-asks included, as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0

    @property
    def all_input(self) -> int:
        """All input tokens, those written to a cache and read from one among them."""
        return self.input_tokens + self.cache_write_tokens + self.cache_read_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
        )


@dataclass(frozen=True)
class Verdict(Generic[L_co]):
    """A label with a confidence in [0, 1], what it cost, and the model that answered.

    A confidence of another type of number becomes a `float`, and a label that does not print as
    what it says, such as a member of a `(str, Enum)`, its plain text. Raises `ValueError` for any
    other confidence, NaN among them.
    """

    label: L_co
    confidence: float
    model: str
    usage: Usage = Usage()

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            msg = f"a confidence lies in [0, 1], not at {self.confidence}"
            raise ValueError(msg)
        if type(self.confidence) is not float or type(self.label) is not str:
            self._make_plain()

    def _make_plain(self) -> None:
        # SQLite would keep a number of numpy's as its bytes, which nothing can be compared with.
        object.__setattr__(self, "confidence", float(self.confidence))
        # `Kind.NEW`, the name of a member that says "new", would be written into the row.
        is_text = isinstance(self.label, str)  # pyright: ignore[reportUnnecessaryIsInstance]
        if is_text and str(self.label) != self.label:
            object.__setattr__(self, "label", str.__str__(self.label))


class OutcomeKind(StrEnum):
    """Every way in which a call for one item can end, `Halt` apart."""

    JUDGED = "judged"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    REJECTED = "rejected"
    TOO_LONG = "too long"
    EMPTY = "empty"
    TIMED_OUT = "timed out"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"

    @property
    def is_availability(self) -> bool:
        """Whether the provider, not the item, is at fault: the only kinds that lead to a snooze."""
        return self in _AVAILABILITY

    @property
    def is_failure(self) -> bool:
        """Whether the item ends without an answer to the question: all but judged and abstained."""
        return self not in _ANSWERS

    @property
    def is_paid(self) -> bool:
        """Whether the provider answered and bills: recorded as the call returns."""
        return self in _PAID


_AVAILABILITY = frozenset({OutcomeKind.TIMED_OUT, OutcomeKind.THROTTLED, OutcomeKind.UNAVAILABLE})
_ANSWERS = frozenset({OutcomeKind.JUDGED, OutcomeKind.ABSTAINED})
_PAID = _ANSWERS | {OutcomeKind.REFUSED, OutcomeKind.TRUNCATED, OutcomeKind.INVALID}


@dataclass(frozen=True)
class Outcome(Generic[L_co]):
    """What happened to one item.

    `verdict` is there exactly when the kind is judged. `detail` is one line for people, without
    item text or secrets. `retry_after_s` is what the provider asked for. `body_chars_cut` says how
    many characters of title and body the model did not see. `recalled` marks an outcome that cost
    no call. `rate_limits` is what the provider said of them in the headers of its last reply.
    `cost` is what the usage comes to in nanodollars, None where no price is known; `uncertain` what
    the provider may bill beyond that, at most, for a call whose answer nobody saw: None where
    nobody knows how much. `questions` counts those that the provider was asked about the item.
    """

    kind: OutcomeKind
    verdict: Verdict[L_co] | None = None
    detail: str = ""
    usage: Usage = Usage()
    retry_after_s: float | None = None
    body_chars_cut: int = 0
    recalled: bool = False
    rate_limits: tuple[RateLimit, ...] = field(default=(), compare=False, repr=False)
    cost: int | None = field(default=None, compare=False)
    uncertain: int | None = field(default=0, compare=False)
    questions: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        if (self.verdict is not None) != (self.kind is OutcomeKind.JUDGED):
            msg = f"an outcome has a verdict exactly when it is judged, not when it is {self.kind}"
            raise ValueError(msg)

    def within(self, labels: Collection[str]) -> Outcome[L_co]:
        """The same outcome, or an invalid one when its label is none of these.

        No label is invented, whatever classifier an application brings.
        """
        if self.verdict is None or self.verdict.label in labels:
            return self
        detail = "the classifier gave a label that is no active category"
        return Outcome(
            OutcomeKind.INVALID,
            detail=detail,
            usage=self.verdict.usage,
            rate_limits=self.rate_limits,
            cost=self.cost,
            uncertain=self.uncertain,
            questions=self.questions,
        )

    def as_recalled(self) -> Outcome[L_co]:
        """The same outcome, marked as read back from the ledger."""
        if self.recalled and not self.rate_limits:
            return self
        return replace(self, recalled=True, rate_limits=())


def judged(verdict: Verdict[L_co], *, body_chars_cut: int = 0) -> Outcome[L_co]:
    """The outcome that holds a verdict."""
    return Outcome(OutcomeKind.JUDGED, verdict, usage=verdict.usage, body_chars_cut=body_chars_cut)
