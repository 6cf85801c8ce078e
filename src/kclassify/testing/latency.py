"""How long the stub takes to answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BeforeValidator, ConfigDict, Discriminator, Tag

from kclassify.testing.draw import uniform

_NORMAL = NormalDist()
_TIME = r"(\d+(?:\.\d+)?)(ms|s)"
_SPELLING = re.compile(rf"{_TIME}(-lognormal(?:-(\d+(?:\.\d+)?))?(?:-{_TIME})?)?")
_CLOSED = ConfigDict(extra="forbid")


class Latency(Protocol):
    """A distribution of answering times."""

    def seconds(self, index: int) -> float:
        """Seconds before the request of this index (from 0) is answered."""
        ...

    @property
    def mean(self) -> float:
        """The expected value, in seconds."""
        ...


@dataclass(frozen=True, slots=True)
class FixedLatency:
    """Every request takes the same time."""

    __pydantic_config__: ClassVar = _CLOSED

    duration: float

    def seconds(self, index: int) -> float:  # noqa: ARG002
        """The duration, in seconds."""
        return self.duration

    @property
    def mean(self) -> float:
        """The duration, in seconds."""
        return self.duration


@dataclass(frozen=True, slots=True)
class LognormalLatency:
    """Most requests take about `median` seconds, some far longer, none longer than `cut`.

    Seeded by request index, so that a run meets the same times again. A draw above `cut` takes
    `cut`.
    """

    __pydantic_config__: ClassVar = _CLOSED

    median: float
    sigma: float = 0.8
    cut: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """ValueError when the median, sigma or cut is not above zero."""
        if self.median <= 0 or self.sigma <= 0 or (self.cut is not None and self.cut <= 0):
            raise ValueError("median, sigma and cut must be above zero")

    def seconds(self, index: int) -> float:
        """The draw for the request of this index."""
        drawn = self.median * exp(self.sigma * _NORMAL.inv_cdf(uniform(self.seed, index)))
        return drawn if self.cut is None else min(drawn, self.cut)

    @property
    def mean(self) -> float:
        """The expected value with the cut taken into account, in seconds."""
        uncut = self.median * exp(self.sigma**2 / 2)
        if self.cut is None:
            return uncut
        limit = log(self.cut / self.median) / self.sigma
        below = uncut * _NORMAL.cdf(limit - self.sigma)
        return below + self.cut * (1 - _NORMAL.cdf(limit))


NO_LATENCY = FixedLatency(0.0)
"""Answers as fast as the machine allows."""


def latency_spelt(text: str) -> FixedLatency | LognormalLatency:
    """`none`, `60ms`, `1.5s`, `60ms-lognormal`, or with sigma and cut `60ms-lognormal-0.8-800ms`.

    Raises ValueError for anything else.
    """
    if text == "none":
        return NO_LATENCY
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise ValueError(
            f"not a latency: {text!r} (none, 60ms, 60ms-lognormal or 60ms-lognormal-0.8-800ms)"
        )
    duration = _seconds(found[1], found[2])
    if found[3] is None:
        return FixedLatency(duration)
    cut = _seconds(found[5], found[6]) if found[5] else None
    return LognormalLatency(duration, float(found[4] or 0.8), cut)


def _seconds(number: str, unit: str) -> float:
    return float(number) / (1000 if unit == "ms" else 1)


def _spelt_out(given: Any) -> Any:  # noqa: ANN401 # whatever the JSON holds
    return latency_spelt(given) if isinstance(given, str) else given


def _kind(given: Any) -> str:  # noqa: ANN401 # whatever the JSON holds
    is_fixed = isinstance(given, FixedLatency) or (isinstance(given, dict) and "duration" in given)
    return "fixed" if is_fixed else "lognormal"


PlannableLatency = Annotated[
    Annotated[FixedLatency, Tag("fixed")] | Annotated[LognormalLatency, Tag("lognormal")],
    Discriminator(_kind),
    BeforeValidator(_spelt_out),
]
"""A latency for pydantic to read: as it is spelt, or the fields of one of the two classes."""
