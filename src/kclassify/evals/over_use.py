"""A category that pulls: found by its errors, and, without a label, by what flows into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from scipy import stats

from kclassify.core.evaluation import Flow, OverUse, Transition
from kclassify.evals.veto import holm


def over_used(
    pairs: Sequence[tuple[str, str]], labels: Sequence[str], *, alpha: float
) -> tuple[OverUse, ...]:
    """Each category of labelled writes, (gold, said): is it said too often?

    One-sided exact tests of its false positives against its false negatives, which are equally
    likely for a category that is used as often as it should be; held together by Holm over the
    categories that have an error. Categories that are not in `labels` come last.
    """
    missed: Counter[str] = Counter()
    wrongly: Counter[str] = Counter()
    for gold, said in pairs:
        if gold != said:
            missed[gold] += 1
            wrongly[said] += 1
    names = list(dict.fromkeys([*labels, *wrongly, *missed]))
    p_values = _adjusted({name: (wrongly[name], missed[name]) for name in names})
    return tuple(
        OverUse(
            label=name,
            false_positives=wrongly[name],
            false_negatives=missed[name],
            p_value=p_values[name],
            flagged=p_values[name] <= alpha,
        )
        for name in names
    )


def flows(
    transitions: Sequence[Transition],
    sizes: Mapping[str, int],
    *,
    ratio_warn: float,
    alpha: float = 0.05,
    retired: Collection[str] = (),
) -> tuple[Flow, ...]:
    """What enters and leaves each category of `sizes`, which counts the rows that carry it now.

    The alarm needs no labels: the ratio reaches `ratio_warn`, and an exact test (Holm over the
    categories) shows more to enter than to leave. It looks only at rows that could have gone the
    other way. Rows without a label and rows of a category of `retired` have to go somewhere: they
    count in `inflow` and in `from_retired`, and neither in the ratio nor in the alarm. A retired
    category cannot be entered, and a category that no row carries cannot be left: no alarm.
    """
    entering, leaving, free = Counter[str](), Counter[str](), Counter[str]()
    for each in transitions:
        entering[each.after] += each.count
        if each.before is None or each.before in retired:
            free[each.after] += each.count
        if each.before is not None:
            leaving[each.before] += each.count
    names = list(dict.fromkeys([*sizes, *entering, *leaving]))
    contested = {name: entering[name] - free[name] for name in names}
    tested = {
        name: (contested[name], leaving[name])
        for name in names
        if name not in retired and sizes.get(name, 0)
    }
    p_values = _adjusted(tested)

    def flow(name: str) -> Flow:
        ratio = contested[name] / leaving[name] if leaving[name] else None
        return Flow(
            label=name,
            rows=sizes.get(name, 0),
            inflow=entering[name],
            outflow=leaving[name],
            ratio=ratio,
            alarm=p_values.get(name, 1.0) <= alpha and (ratio is None or ratio >= ratio_warn),
            from_retired=free[name],
        )

    return tuple(flow(name) for name in names)


def _adjusted(counts: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """P(so many or more of the first kind, of both together) at even odds, adjusted by Holm.

    Where there is nothing of either kind it is 1 and takes no part in the adjustment.
    """
    p_values = dict.fromkeys(counts, 1.0)
    some = {name: pair for name, pair in counts.items() if sum(pair)}
    raw = [float(stats.binom.sf(first - 1, first + other, 0.5)) for first, other in some.values()]
    return p_values | dict(zip(some, holm(raw), strict=True))
