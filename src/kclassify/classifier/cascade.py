"""Asks a second classifier where the first is not sure: most items cost the price of the first."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from kclassify.core.decision import Halt
from kclassify.core.item import Item, digest_of
from kclassify.core.spending import Charge
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.errors import ConfigError
from kclassify.ports import Metered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from kclassify.core.taxonomy import Taxonomy
    from kclassify.ports import Classifier

L = TypeVar("L", bound=str)

_UNSURE = frozenset(
    {OutcomeKind.ABSTAINED, OutcomeKind.INVALID, OutcomeKind.REFUSED, OutcomeKind.TRUNCATED}
)

_MOST_KEPT = 10_000


def cascade_model(first: str, second: str) -> str:
    """Both models, in the order in which they are asked."""
    return f"{first}, then {second}"


def cascade_parts(
    taxonomy: str, model: str, below: float, fingerprints: tuple[str, str]
) -> Mapping[str, str]:
    """What the fingerprint of a cascade is a digest of."""
    first, second = fingerprints
    return MappingProxyType(
        {
            "taxonomy": taxonomy,
            "model": model,
            "parameters": f"below={below!r}",
            "first": first,
            "second": second,
        }
    )


class Cascade(Generic[L]):
    """Asks `first`, and where it has no label or is less confident than `below`, `second`.

    The word of the second counts then. What the first could not be asked is not asked again. Usage
    and cost are those of both, and so is the time: a runner's `timeout_s` is the sum of theirs.

    Where the second cannot be asked, what the first said is kept, of 10,000 texts at most: when the
    item is judged again, the first is not paid again.

    Raises `ConfigError` for two taxonomies, and for a `below` outside (0, 1].
    """

    def __init__(self, first: Classifier[L], second: Classifier[L], below: float = 0.75) -> None:
        if first.taxonomy.digest != second.taxonomy.digest:
            raise ConfigError("a cascade is of classifiers with the same taxonomy")
        if not 0 < below <= 1:
            raise ConfigError(f"below is more than 0 and at most 1, not {below}")
        self._first, self._second, self._below = first, second, below
        self._kept: dict[str, Outcome[L]] = {}

    @property
    def taxonomy(self) -> Taxonomy[L]:
        """The labels that both choose from."""
        return self._first.taxonomy

    @property
    def model(self) -> str:
        """Both, in the order in which they are asked."""
        return cascade_model(self._first.model, self._second.model)

    @property
    def fingerprint(self) -> str:
        """A digest of both fingerprints and of where the second is asked."""
        return digest_of(*self.fingerprint_parts.values())

    @property
    def fingerprint_parts(self) -> Mapping[str, str]:
        """What the fingerprint is a digest of."""
        fingerprints = (self._first.fingerprint, self._second.fingerprint)
        return cascade_parts(self.taxonomy.digest, self.model, self._below, fingerprints)

    async def judge(self, item: Item) -> Outcome[L] | Halt:
        """What happened to the item, or why no item can be judged."""
        first = self._kept.get(item.digest) or await self._first.judge(item)
        if isinstance(first, Halt) or not self._is_unsure(first):
            return first
        self._keep(item, first)  # also for a call that is cut: all of it is charged by then
        second = await self._second.judge(item)
        if isinstance(second, Halt):
            return Halt(second.reason, Charge.of(first) + second.charge)
        if not second.kind.is_availability:
            self._kept.pop(item.digest, None)
        return _both(first, second)

    def worst_case(self, item: Item) -> int | None:
        """The most nanodollars that judging this item can cost; None where no price is known."""
        first, second = _worst_case(self._first, item), _worst_case(self._second, item)
        return None if first is None or second is None else first + second

    @property
    def warms_cache(self) -> float | None:
        """As the first, which every item goes to: nobody waits for the entries of the second."""
        return self._first.warms_cache if isinstance(self._first, Metered) else None

    @property
    def advice(self) -> tuple[str, ...]:
        """That of both."""
        both = (self._first, self._second)
        return tuple(line for one in both if isinstance(one, Metered) for line in one.advice)

    async def aclose(self) -> None:
        """Let go of the connections of both; a later call opens new ones."""
        try:
            await self._first.aclose()
        finally:
            await self._second.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _is_unsure(self, first: Outcome[L]) -> bool:
        if first.verdict is None:
            return first.kind in _UNSURE
        return first.verdict.confidence < self._below

    def _keep(self, item: Item, first: Outcome[L]) -> None:
        """Whoever takes it from here pays nothing: this call is charged for it."""
        self._kept[item.digest] = replace(
            first, usage=Usage(), cost=0, uncertain=0, questions=0, rate_limits=()
        )
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def _both(first: Outcome[L], second: Outcome[L]) -> Outcome[L]:
    """The second outcome, and what both came to.

    Rate limits are the first's: its calls are those that are paced.
    """
    usage = first.usage + second.usage
    verdict = second.verdict
    return replace(
        second,
        verdict=None if verdict is None else replace(verdict, usage=usage),
        usage=usage,
        cost=_sum(first.cost, second.cost),
        uncertain=_sum(first.uncertain, second.uncertain),
        questions=first.questions + second.questions,
        rate_limits=first.rate_limits,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _worst_case(classifier: Classifier[L], item: Item) -> int | None:
    return classifier.worst_case(item) if isinstance(classifier, Metered) else None
