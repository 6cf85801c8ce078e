"""What a run will come to, in the ways in which it can be made: tokens, nanodollars and seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from kclassify.core.figure import NONE, Figure, exactly
from kclassify.core.price import Price
from kclassify.core.verdict import Usage

_MINUTE = 60.0
_WAVE_S = 3600.0
_MOST_WAVE_S = 86_400.0


class WayName(StrEnum):
    """How the items can be asked about."""

    PLAIN = "plain"
    CACHED = "cached"
    BATCHED = "batched"
    CASCADE = "cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to ask: how many texts, and what one question of each is, in tokens.

    `request` is all that is sent, `prefix` the part of it that all texts share, `reply` all that
    comes back for a text. `asked` is how often it is asked about: 1, and the share asked twice.
    """

    texts: Figure
    request: Figure
    prefix: Figure
    reply: Figure
    asked: Figure

    def share(self, share: Figure) -> Work:
        """The same for a part of the texts."""
        return replace(self, texts=self.texts * share)

    @property
    def calls(self) -> Figure:
        """How many questions there are."""
        return self.texts * self.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast questions are asked. None is a limit that nobody named, or a time that nobody knows.

    `latency_s` is the seconds of a call; the limits are those of the provider.
    """

    concurrency: int
    latency_s: Figure | None = None
    requests_per_minute: int | None = None
    input_tokens_per_minute: int | None = None

    def seconds(self, calls: Figure, counted: Figure) -> Figure | None:
        """How long so many calls take, with so many tokens that count toward the limit."""
        if self.latency_s is None:
            return None
        times = [(calls * self.latency_s).times(1 / self.concurrency)]
        if self.requests_per_minute is not None:
            times.append(calls.times(_MINUTE / self.requests_per_minute))
        if self.input_tokens_per_minute is not None:
            times.append(counted.times(_MINUTE / self.input_tokens_per_minute))
        return Figure(
            max(each.value for each in times),
            max(each.low for each in times),
            max(each.high for each in times),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """For how many seconds the provider keeps the prefix."""

    seconds: float = 300.0

    @property
    def is_one_hour(self) -> bool:
        """Whether an entry is written at the price of an hour."""
        return self.seconds > 300  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """How many requests are in batches at once."""

    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What one way comes to. `cost` is None where no price is known, `seconds` where no time is.

    `cost` is in nanodollars. `effect` is False where the way saves nothing.
    """

    name: WayName
    tokens: Figure
    cost: Figure | None
    seconds: Figure | None
    effect: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    """Tokens by how they are billed."""

    input: Figure = NONE
    output: Figure = NONE
    written: Figure = NONE
    read: Figure = NONE

    @property
    def all(self) -> Figure:
        return self.input + self.output + self.written + self.read

    def cost(
        self, price: Price | None, *, batch: bool = False, caching: Caching | None = None
    ) -> Figure | None:
        """Nanodollars, rounded up. A price here is that of all requests together, see `_rate`."""
        if price is None or (batch and price.batch_factor is None):
            return None
        one_hour = caching is not None and caching.is_one_hour
        ends = (
            Usage(
                math.ceil(getattr(self.input, end)),
                math.ceil(getattr(self.output, end)),
                math.ceil(getattr(self.written, end)),
                math.ceil(getattr(self.read, end)),
            )
            for end in ("value", "low", "high")
        )
        return Figure(*(float(price.cost(each, batch=batch, one_hour=one_hour)) for each in ends))


def plain(work: Work, price: Price | None, pace: Pace) -> Way:
    """Each text a call of its own, all of it at the price of input."""
    tokens = _plain(work)
    seconds = pace.seconds(work.calls, tokens.input)
    return _way(WayName.PLAIN, tokens, tokens.cost(_rate(work, price)), seconds)


def cached(work: Work, price: Price | None, pace: Pace, caching: Caching) -> Way:
    """The shared prefix is written once and read by every other call, while calls keep it warm.

    Where the provider keeps no prefix as short as this one, it is the same as plain; where it is
    not known whether it does, the intervals hold both. What is read from the cache does not count
    toward a limit of input tokens.
    """
    usual = replace(plain(work, price, pace), name=WayName.CACHED, effect=False)
    if not _may_be_cached(work, price):
        return usual
    tokens = _cached(work, usual.seconds, caching)
    seconds = pace.seconds(work.calls, tokens.input + tokens.written)
    cost = tokens.cost(_rate(work, price), caching=caching)
    way = _way(WayName.CACHED, tokens, cost, seconds)
    if _is_surely_cached(work, price):
        return way
    return _either(way, usual) if is_cached(work, price) else _either(usual, way)


def batched(work: Work, price: Price | None, waves: Waves, caching: Caching | None) -> Way:
    """All of it at the price of batches, in as many waves as it takes.

    A wave is back within an hour as a rule, and within a day. A batch may find the prefix in the
    cache, and may write it again with every request: the interval holds both.
    """
    tokens, many = _plain(work), work.texts.times(1 / waves.requests)
    price = _rate(work, price)
    cost = tokens.cost(price, batch=True)
    if cost is not None and caching is not None and _may_be_cached(work, price):
        shared = work.calls * work.prefix
        rest = replace(tokens, input=tokens.input.less(shared))
        read = replace(rest, read=shared).cost(price, batch=True, caching=caching)
        written = replace(rest, written=shared).cost(price, batch=True, caching=caching)
        if read is not None and written is not None:
            cost = Figure(cost.value, min(cost.low, read.low), max(cost.high, written.high))
    usual = math.ceil(many.value) * _WAVE_S
    seconds = Figure(usual, usual, math.ceil(many.high) * _MOST_WAVE_S)
    return _way(WayName.BATCHED, tokens, cost, seconds)


def cascade(
    work: Work,
    prices: tuple[Price | None, Price | None],
    share: Figure,
    pace: Pace,
    caching: Caching,
) -> Way:
    """A first model is asked about all texts, a second one about a share of them; both cached."""
    first = cached(work, prices[0], pace, caching)
    second = cached(work.share(share), prices[1], pace, caching)
    seconds = None
    if first.seconds is not None and second.seconds is not None:
        seconds = first.seconds + second.seconds
    cost = None if first.cost is None or second.cost is None else first.cost + second.cost
    return Way(
        name=WayName.CASCADE, tokens=first.tokens + second.tokens, cost=cost, seconds=seconds
    )


def is_cached(work: Work, price: Price | None) -> bool:
    """Whether the prefix is long enough to be cached, and reading it is cheaper than sending it."""
    return _caches(price, work.prefix.value)


def _may_be_cached(work: Work, price: Price | None) -> bool:
    return _caches(price, work.prefix.high)


def _is_surely_cached(work: Work, price: Price | None) -> bool:
    return _caches(price, work.prefix.low)


def _caches(price: Price | None, prefix: float) -> bool:
    if price is None or price.cache_read >= price.input:
        return False
    return price.min_cache_tokens <= prefix


def _either(likely: Way, other: Way) -> Way:
    """The likely one, with intervals that hold the other, too."""
    return replace(
        likely,
        cost=_spanning(likely.cost, other.cost),
        seconds=_spanning(likely.seconds, other.seconds),
    )


def _spanning(likely: Figure | None, other: Figure | None) -> Figure | None:
    if likely is None or other is None:
        return None
    return Figure(likely.value, min(likely.low, other.low), max(likely.high, other.high))


def _rate(work: Work, price: Price | None) -> Price | None:
    """The price of the tokens of many requests: that of long prompts where the mean one is long."""
    if price is None or price.long_prompt is None:
        return price
    long, is_long = price.long_prompt, work.request.value > price.long_prompt.over
    input_factor, output_factor = (
        (long.input_factor, long.output_factor) if is_long else (Decimal(1), Decimal(1))
    )
    return replace(
        price,
        input=price.input * input_factor,
        output=price.output * output_factor,
        cache_write=price.cache_write * input_factor,
        cache_write_1h=price.cache_write_1h * input_factor,
        cache_read=price.cache_read * input_factor,
        long_prompt=None,
    )


def _plain(work: Work) -> _Tokens:
    return _Tokens(input=work.calls * work.request, output=work.texts * work.reply)


def _cached(work: Work, seconds: Figure | None, caching: Caching) -> _Tokens:
    calls = work.calls
    apart = 0.0 if seconds is None or not calls.value else seconds.value / calls.value
    writes = calls if apart > caching.seconds else _no_more_than(exactly(1), calls)
    tokens = _plain(work)
    return replace(
        tokens,
        input=tokens.input.less(calls * work.prefix),
        written=writes * work.prefix,
        read=calls.less(writes) * work.prefix,
    )


def _no_more_than(figure: Figure, bound: Figure) -> Figure:
    return Figure(
        min(figure.value, bound.value), min(figure.low, bound.low), min(figure.high, bound.high)
    )


def _way(name: WayName, tokens: _Tokens, cost: Figure | None, seconds: Figure | None) -> Way:
    return Way(name=name, tokens=tokens.all, cost=cost, seconds=seconds)
