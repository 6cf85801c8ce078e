"""How many labels are needed: to show a difference, to certify a precision, to end a doubt."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from kclassify.core.evaluation import PairedTest
from kclassify.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEGLIGIBLE = 1e-10
_MOST_LABELS = 10_000_000


def rows_to_show(
    difference: float, discordance: float, power: float = 0.8, alpha: float = 0.05
) -> int:
    """The fewest rows with which mid-p McNemar (two-sided) shows a difference of two variants.

    `difference` is that of their accuracies, `discordance` the share of rows that exactly one of
    them has right. The power is exact: summed over how many pairs are discordant, and how many of
    these speak for the better one. Raises `UsageError` for a difference that such a discordance
    cannot make.
    """
    _must_be_shares(difference=difference, discordance=discordance, power=power, alpha=alpha)
    if difference >= discordance:
        raise UsageError(
            f"variants that differ on {discordance:.1%} of the rows cannot be "
            f"{difference:.1%} apart: expect a discordance above the difference"
        )
    guess = _by_normal_approximation(difference, discordance, power, alpha)
    if guess > _MOST_LABELS:
        raise UsageError(
            f"about {guess:,} rows would be needed to see a difference of {difference:.2%}: nobody "
            "labels as many; look for a larger one"
        )

    def is_enough(rows: int) -> bool:
        return mcnemar_power(rows, difference, discordance, alpha) >= power

    return _first(is_enough, guess)


def mcnemar_power(rows: int, difference: float, discordance: float, alpha: float) -> float:
    """The exact probability that mid-p McNemar shows the better of two variants to be better."""
    low = int(stats.binom.ppf(_NEGLIGIBLE, rows, discordance))
    pairs = np.arange(low, int(stats.binom.isf(_NEGLIGIBLE, rows, discordance)) + 1)
    against = (discordance - difference) / (2 * discordance)
    shown = _cumulative(_critical(pairs, alpha), pairs, against)
    return float(np.sum(stats.binom.pmf(pairs, rows, discordance) * shown))


def more_rows(test: PairedTest, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """How many rows would show the difference that was seen; None when none was.

    When every discordant pair speaks for the same variant, half a pair is set against it, as no
    sample can exclude that there are some.
    """
    more, fewer = sorted((test.only_candidate, test.only_baseline), reverse=True)
    if more == fewer:
        return None
    against = fewer or 0.5
    discordance = min((more + against) / test.n, 1 - _NEGLIGIBLE)
    return rows_to_show(
        discordance * (more - against) / (more + against), discordance, power, alpha
    )


def labels_to_certify(
    true_precision: float, target: float, delta: float, power: float = 0.8
) -> int:
    """The fewest labels with which Clopper-Pearson certifies `target`, with this power.

    `delta` is the probability of certifying what is at the target only, one-sided. Raises
    `UsageError` when the true precision does not exceed the target: no sample certifies it.
    """
    _must_be_shares(target=target, delta=delta, power=power)
    if not target < true_precision <= 1:
        raise UsageError(
            f"a precision of {true_precision:.1%} cannot be certified to be {target:.1%}: "
            f"plan with a true precision above the target"
        )

    def labels(allowed: int) -> int:
        """The fewest that certify the target in spite of one error less than `allowed`."""
        found = _labels_allowing(allowed - 1, target, delta)
        if found > _MOST_LABELS:
            raise UsageError(
                f"more than {_MOST_LABELS:,} labels would be needed to tell "
                f"{true_precision:.3%} from {target:.3%}: set a lower target"
            )
        return found

    def is_enough(allowed: int) -> bool:
        return _at_most(allowed - 1, labels(allowed), 1 - true_precision) >= power

    return labels(_first(is_enough, 1))


def more_labels(right: int, n: int, target: float, delta: float) -> int | None:
    """How many more labels certify `target` by Clopper-Pearson if the observed rate holds.

    0 when these are enough; None when the observed rate does not exceed the target, as then more
    of the same certifies nothing. Without any labels, as many as it takes without an error.
    """
    _must_be_shares(target=target, delta=delta)
    rate = right / n if n else 1.0
    if rate <= target:
        return None

    def is_enough(labels: int) -> bool:
        wrong = labels * (1 - rate)
        return bool(special.betaincinv(labels - wrong, wrong + 1, delta) >= target)

    if n and is_enough(n):
        return 0
    most = max(n, 1)
    while not is_enough(most):
        most *= 2
    return _smallest(is_enough, most // 2, most) - n


def _must_be_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 < share < 1:
            raise UsageError(f"{name} lies between 0 and 1, not at {share}")


def _critical(pairs: NDArray[np.int_], alpha: float) -> NDArray[np.int_]:
    """The most pairs against the better variant with which mid-p rejects; -1 where none do."""
    most = np.asarray(stats.binom.ppf(alpha / 2, pairs, 0.5), dtype=np.int_) + 1
    for _ in range(3):
        mid_p = _cumulative(most, pairs, 0.5) + _cumulative(most - 1, pairs, 0.5)
        most = np.where((mid_p > alpha) & (most >= 0), most - 1, most)
    return most


def _cumulative(most: NDArray[np.int_], of: NDArray[np.int_], share: float) -> NDArray[np.float64]:
    return np.asarray(stats.binom.cdf(most, of, share), dtype=np.float64)


def _by_normal_approximation(
    difference: float, discordance: float, power: float, alpha: float
) -> int:
    """Connor 1987."""
    spread = stats.norm.isf(alpha / 2) * math.sqrt(discordance)
    spread += stats.norm.ppf(power) * math.sqrt(discordance - difference * difference)
    return math.ceil((spread / difference) ** 2)


def _first(is_enough: Callable[[int], bool], guess: int) -> int:
    """The least number from 1 on that is enough, found from a guess."""
    most = guess
    while not is_enough(most):
        most += max(most // 10, 1)
    return _smallest(is_enough, 0, most)


def _smallest(is_enough: Callable[[int], bool], low: int, high: int) -> int:
    """The least number in (low, high] that is enough, when `high` is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _labels_allowing(errors: int, target: float, delta: float) -> int:
    """The fewest labels that certify `target` in spite of so many errors."""

    def is_enough(labels: int) -> bool:
        return _at_most(errors, labels, 1 - target) <= delta

    most = errors + 1
    while not is_enough(most):
        most *= 2
    return _smallest(is_enough, errors, most)


def _at_most(errors: int, labels: int, rate: float) -> float:
    """The probability of no more errors, by the incomplete beta function."""
    return float(special.betainc(labels - errors, errors + 1, 1 - rate))
