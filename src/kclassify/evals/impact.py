"""What a commit would do to the corpus: rows made better, rows made worse, and the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kclassify.core.evaluation import Impact
from kclassify.core.metrics import Interval
from kclassify.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "Dirichlet(1/2) posterior, writes without a label predicted"
_DRAWS = 20_000
_PRIOR = 0.5


def impact(better: int, worse: int, neutral: int, writes: int, *, seed: int = 0) -> Impact:
    """Counts of all `writes` from a plain random sample of them that was labelled.

    The labelled writes are known; the others are predicted from the Dirichlet(1/2) posterior
    (a Dirichlet-multinomial), so that labelling every write leaves no doubt. Estimates scale the
    labelled counts up. Raises `UsageError` when there are more labelled writes than writes.
    """
    seen = np.array([better, worse, neutral])
    labelled = int(seen.sum())
    if seen.min() < 0 or labelled > writes:
        raise UsageError(
            f"{labelled} labelled writes cannot be a sample of {writes}: draw the sample from the "
            "dry run that is evaluated"
        )
    drawn = seen + _unlabelled(seen, writes - labelled, seed)
    scaled = seen * writes / labelled if labelled else np.full(3, writes / 3)
    found = [_between(drawn[:, at], float(scaled[at]), labelled) for at in range(3)]
    net = drawn[:, 0] - drawn[:, 1]
    return Impact(
        writes=writes,
        labelled=labelled,
        better=found[0],
        worse=found[1],
        neutral=found[2],
        net=_between(net, float(scaled[0] - scaled[1]), labelled),
        p_net_positive=float(np.mean(net > 0)),
    )


def _unlabelled(seen: NDArray[np.int_], number: int, seed: int) -> NDArray[np.int_]:
    random = np.random.default_rng(seed)
    shares = random.dirichlet(seen + _PRIOR, size=_DRAWS)
    return np.asarray(random.multinomial(number, shares))


def _between(drawn: NDArray[np.int_], estimate: float, labelled: int) -> Interval:
    """The posterior's middle, made to hold the estimate.

    So a kind that was not seen may be none of the writes, and one that was always seen all of them;
    without that, a share of 0 or 1 would never be covered (Brown, Cai and DasGupta 2001).
    """
    low, high = (float(bound) for bound in np.quantile(drawn, [0.025, 0.975]))
    return Interval(estimate, min(low, estimate), max(high, estimate), float(labelled), METHOD)
