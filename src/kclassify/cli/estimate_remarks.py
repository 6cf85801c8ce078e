"""What people have to know of an estimate: where its figures are from, and what they leave out."""

from __future__ import annotations

from kclassify.cli.wording import plural, verb
from kclassify.core.dollars import dollars, small_dollars
from kclassify.core.estimate import WayName
from kclassify.core.figure import Figure
from kclassify.core.token_estimate import APPROXIMATION_ERROR
from kclassify.estimate.reckoning import Estimate
from kclassify.estimate.second_model import SecondModel
from kclassify.estimate.worst import Worst


def remarks(found: Estimate) -> list[str]:
    """Lines of texts of unknown origin."""
    if not found.look.sample:
        return ["Nothing is left to ask about.", *_spent(found)]
    if found.model.is_local:
        return ["local asks nobody, and is free; how long it takes depends on this machine."]
    return [
        *_prices(found),
        *_tokens(found),
        *_caching(found),
        *_batches(found),
        *_cascade(found),
        *_time(found),
        *_spent(found),
        *_budget(found),
    ]


def _prices(found: Estimate) -> list[str]:
    if found.price is None:
        return [_unknown(str(found.model))]
    as_of = f" as of {found.price.as_of}" if found.price.as_of else ", from the settings"
    return [f"Prices are those of {found.price.model}{as_of}. ▸ is what the settings choose."]


def _unknown(model: str) -> str:
    return f'Dollars are unknown: no price for {model}: give [prices."{model}"]'


def _tokens(found: Estimate) -> list[str]:
    texts, reason = plural(len(found.look.sample), "text"), found.measured.reason
    if reason is None:
        return [f"Tokens are counted by the provider, on {texts} drawn at random."]
    said = f"Tokens are reckoned from the characters of {texts} drawn at random"
    return [f"{said}, right to {APPROXIMATION_ERROR:.0%}, which the intervals hold: {reason}"]


def _caching(found: Estimate) -> list[str]:
    price = found.price
    if price is None or found.is_cached:
        return []
    shared = f"what all requests share is about {found.work.prefix.value:,.0f} tokens"
    if found.work.prefix.value < price.min_cache_tokens:
        has = "may have" if price.min_cache_tokens <= found.work.prefix.high else "has"
        shared += f", and {price.model} caches {price.min_cache_tokens:,} or more"
        return [f"Caching {has} no effect: {shared}."]
    return [f"Caching has no effect: reading from the cache costs what sending does ({shared})."]


def _batches(found: Estimate) -> list[str]:
    if all(way.name is not WayName.BATCHED for way in found.ways):
        return ["There are no batches: kclassify makes them of Anthropic's models."]
    return ["A wave of batches is back within an hour as a rule, within 24 at most."]


def _cascade(found: Estimate) -> list[str]:
    second = found.second
    if second is None:
        return ["There is no cascade: no dearer model of the provider is known; --then names one."]
    said = (
        f"The cascade asks {second.model} ({second.why}) about {_share(second)}, "
        "with the tokens of the first."
    )
    lines = [said, *_asked_again(found)]
    return lines if second.price is not None else [*lines, _unknown(second.model)]


def _asked_again(found: Estimate) -> list[str]:
    """A cascade is a classifier of its own, so that no way is for what the other has left."""
    answered = found.look.answered
    if not answered:
        return []
    is_set = found.way is WayName.CASCADE
    rows = "The other rows leave" if is_set else "The row of the cascade leaves"
    by, how = ("cascade", "without") if is_set else ("first model", "with")
    said = f"{rows} out {plural(answered, 'item')} that the {by} has answered"
    return [f"{said}: {how} [cascade] {verb(answered, 'it is', 'they are')} asked about again."]


def _share(second: SecondModel) -> str:
    share = second.share
    interval = "" if share.low == share.high else f"{share.low:.0%} to {share.high:.0%}; "
    return f"{share.value:.0%} ({interval}{second.share_from})"


def _time(found: Estimate) -> list[str]:
    pace = found.pace
    if pace.latency_s is None:
        return []
    limits = [
        f"{limit:,} {what} a minute"
        for limit, what in (
            (pace.requests_per_minute, "requests"),
            (pace.input_tokens_per_minute, "input tokens"),
        )
        if limit is not None
    ]
    at_most = f", and at most {' and '.join(limits)}" if limits else ""
    calls = f"{plural(pace.concurrency, 'call')} at once, of {pace.latency_s.value:.2g} s each"
    lines = [f"Times are for {calls} ({found.latency_from}){at_most}."]
    if not limits:
        lines.append("The provider's limits are left out: --requests-per-minute says one.")
    return lines


def _spent(found: Estimate) -> list[str]:
    charge = found.spent.charge
    if not charge:
        return []
    more = " and what has no known price" if charge.unpriced else ""
    return [f"The run has cost {dollars(charge.cost)}{more} so far, which is not in the table."]


def _budget(found: Estimate) -> list[str]:
    cost, worst = found.chosen.cost, found.worst
    if found.budget is None or cost is None:
        return []
    left = max(0, found.budget - found.spent.most)
    said = f"The budget leaves {small_dollars(left)}"
    if worst is not None and left < worst.most:
        halts = "halts" if left < worst.least else "may halt"
        return [f"{said}, and {_one_call(found, worst)}, so the run {halts} at once."]
    if left < cost.low:
        return [f"{said}, less than the estimate: the run will halt before it is done."]
    if left < cost.high:
        return [f"{said}, less than the upper end of the interval: the run may halt first."]
    if worst is not None and left < _before_last(cost, found) + worst.most:
        said = f"{said}, enough for the estimate, but {_one_call(found, worst)}, and none is made"
        return [f"{said} that does not fit: the run may halt before the last ones."]
    return [f"{said}, which is enough."]


def _one_call(found: Estimate, worst: Worst) -> str:
    call = "request" if found.way is WayName.BATCHED else "call"
    return f"one {call} may cost {small_dollars(worst.most)} at most"


def _before_last(cost: Figure, found: Estimate) -> float:
    """What all calls but the last one cost, at the upper end of the interval."""
    return cost.high * (1 - 1 / found.look.texts.high)
