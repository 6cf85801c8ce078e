"""How long the stub takes to answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist
from typing import Protocol

from kclassify.testing.draw import uniform

_NORMAL = NormalDist()


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
