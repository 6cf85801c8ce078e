"""A test that may be looked at after every label: evidence against "no more than so often".

Peeking at an interval after each label and stopping when it looks good errs far more often than
the interval says. An e-process does not: under the null hypothesis it is a non-negative
supermartingale that starts at 1, so the probability that it *ever* reaches 1/delta is at most
delta (Ville's inequality). Here it is the likelihood ratio of a mixture of alternatives
(Ramdas, Grünwald, Vovk and Shafer, Game-theoretic statistics and safe anytime-valid inference,
2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ALTERNATIVES = 24
_NEAREST = 0.2
"""Distance of the first alternative from the null, in log odds."""
_FURTHEST = 4.6
"""Log odds of the last alternative at least: a rate of 0.99."""


@dataclass(frozen=True, slots=True)
class EProcess:
    """Labels as they come in, right or wrong, held against a target for the share that is right.

    `delta` is the probability of a false alarm, however often one looks. Raises `ValueError` for a
    target or a delta outside (0, 1).
    """

    target: float
    delta: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.target < 1 and 0 < self.delta < 1):
            raise ValueError("target and delta lie between 0 and 1")

    @staticmethod
    def e_value(successes: int, failures: int, *, null: float) -> float:
        """The evidence against "failures are at most a share `null`"; infinite when overwhelming.

        Only the two counts matter, not their order.
        """
        logarithm = log_e_value(successes, failures, null=null)
        return math.exp(logarithm) if logarithm < _LARGEST else math.inf

    def drift_value(self, right: int, wrong: int) -> float:
        """The evidence that fewer than `target` are right."""
        return self.e_value(right, wrong, null=1 - self.target)

    def certainty_value(self, right: int, wrong: int) -> float:
        """The evidence that more than `target` are right."""
        return self.e_value(wrong, right, null=self.target)

    def is_drift(self, right: int, wrong: int) -> bool:
        """Whether a run has to stop: its writes are shown to be right less often than `target`."""
        return self.drift_value(right, wrong) >= 1 / self.delta

    def is_certified(self, right: int, wrong: int) -> bool:
        """Whether labelling may end: more than `target` are shown to be right."""
        return self.certainty_value(right, wrong) >= 1 / self.delta


_LARGEST = 700.0


def log_e_value(successes: int, failures: int, *, null: float) -> float:
    """The natural logarithm of the e-value; 0 before the first label."""
    if not 0 < null < 1 or successes < 0 or failures < 0:
        raise ValueError("a null rate lies between 0 and 1, and counts are not negative")
    odds = math.log(null / (1 - null))
    last = max(_FURTHEST, odds + _FURTHEST)
    step = (last - odds - _NEAREST) / (_ALTERNATIVES - 1)
    terms = [
        _log_ratio(successes, failures, odds, odds + _NEAREST + step * place)
        for place in range(_ALTERNATIVES)
    ]
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms) / _ALTERNATIVES)


def _log_ratio(successes: int, failures: int, null: float, alternative: float) -> float:
    """The log likelihood ratio of two failure rates, given as log odds."""
    shift = _log_one_less(alternative) - _log_one_less(null)
    return failures * (alternative - null) + (successes + failures) * shift


def _log_one_less(odds: float) -> float:
    """log(1 - p) of the p with these log odds."""
    return -(max(odds, 0.0) + math.log1p(math.exp(-abs(odds))))
