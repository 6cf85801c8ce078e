from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kclassify.core.estimate import (
    Caching,
    Pace,
    Waves,
    WayName,
    Work,
    batched,
    cached,
    cascade,
    plain,
)
from kclassify.core.figure import Figure, exactly
from kclassify.core.price import FREE, NANODOLLARS, LongPrompt, Price
from kclassify.core.verdict import Usage

SMALL = Price(
    "small",
    input=Decimal(1),
    output=Decimal(5),
    cache_write=Decimal("1.25"),
    cache_write_1h=Decimal(2),
    cache_read=Decimal("0.1"),
    batch_factor=Decimal("0.5"),
    min_cache_tokens=1000,
)
LARGE = replace(
    SMALL,
    model="large",
    input=Decimal(5),
    output=Decimal(25),
    cache_write=Decimal("6.25"),
    cache_write_1h=Decimal(10),
    cache_read=Decimal("0.5"),
    min_cache_tokens=500,
)
WORK = Work(
    texts=exactly(1000),
    request=Figure(2000, 1900, 2100),
    prefix=exactly(1500),
    reply=Figure(30, 25, 35),
    asked=exactly(1),
)
PACE = Pace(concurrency=10, latency_s=exactly(2))


def dollars(figure: Figure | None) -> tuple[float, float, float]:
    assert figure is not None
    return (figure.value / NANODOLLARS, figure.low / NANODOLLARS, figure.high / NANODOLLARS)


def test_plain_pays_for_all_of_every_request() -> None:
    way = plain(WORK, SMALL, PACE)
    assert way.tokens == Figure(2_030_000, 1_925_000, 2_135_000)
    assert dollars(way.cost) == (2.15, 1.9 + 0.125, 2.1 + 0.175)
    assert way.seconds == exactly(200)


def test_cached_writes_the_prefix_once_and_reads_it_ever_after() -> None:
    way = cached(WORK, SMALL, PACE, Caching())
    expected = SMALL.cost(Usage(500_000, 30_000, 1_500, 999 * 1_500))
    assert dollars(way.cost)[0] == pytest.approx(expected / NANODOLLARS)
    assert way.tokens == plain(WORK, SMALL, PACE).tokens


def test_an_entry_of_an_hour_is_written_at_its_own_price() -> None:
    five, hour = (cached(WORK, SMALL, PACE, Caching(seconds=s)).cost for s in (300, 3600))
    assert five is not None
    assert hour is not None
    assert (hour.value - five.value) / NANODOLLARS == pytest.approx(1_500 * 0.75e-6)


@pytest.mark.parametrize(
    "price", [replace(SMALL, min_cache_tokens=1501), replace(SMALL, cache_read=Decimal(1)), FREE]
)
def test_a_prefix_that_is_not_cached_makes_cached_the_same_as_plain(price: Price) -> None:
    way, usual = cached(WORK, price, PACE, Caching()), plain(WORK, price, PACE)
    assert way == replace(usual, name=WayName.CACHED, effect=False)


@pytest.mark.parametrize("fewest", [1400, 1600])
def test_where_nobody_knows_whether_the_prefix_is_cached_the_interval_holds_both(
    fewest: int,
) -> None:
    work = replace(WORK, prefix=Figure(1500, 1300, 1700))
    way = cached(work, replace(SMALL, min_cache_tokens=fewest), PACE, Caching()).cost
    surely = cached(work, SMALL, PACE, Caching()).cost
    never = plain(work, SMALL, PACE).cost
    assert way is not None
    assert surely is not None
    assert never is not None
    assert (way.low, way.high) == (min(surely.low, never.low), max(surely.high, never.high))
    assert way.value == (surely if fewest == 1400 else never).value


def test_calls_that_are_further_apart_than_the_cache_lives_write_it_each_time() -> None:
    slow = Pace(concurrency=1, latency_s=exactly(301))
    way = cached(WORK, SMALL, slow, Caching())
    expected = SMALL.cost(Usage(500_000, 30_000, 1_500_000, 0))
    assert dollars(way.cost)[0] == pytest.approx(expected / NANODOLLARS)
    usual = plain(WORK, SMALL, slow).cost
    assert usual is not None
    assert dollars(way.cost)[0] > dollars(usual)[0]


def test_batched_is_plain_at_half_the_price_and_its_interval_holds_what_a_cache_does() -> None:
    way = batched(WORK, SMALL, Waves(requests=400), Caching())
    assert dollars(way.cost)[0] == pytest.approx(2.15 / 2)
    read = SMALL.cost(Usage(400_000, 25_000, 0, 1_500_000), batch=True)
    written = SMALL.cost(Usage(600_000, 35_000, 1_500_000, 0), batch=True)
    assert way.cost is not None
    assert (way.cost.low, way.cost.high) == (read, written)
    assert way.seconds == Figure(3 * 3600, 3 * 3600, 3 * 86_400)


def test_a_price_without_batches_leaves_what_they_cost_unknown() -> None:
    assert batched(WORK, replace(SMALL, batch_factor=None), Waves(requests=9), None).cost is None


def test_a_cascade_asks_the_second_model_about_a_share() -> None:
    way = cascade(WORK, (SMALL, LARGE), Figure(0.2, 0.1, 0.4), PACE, Caching())
    first, second = (
        cached(work, price, PACE, Caching())
        for work, price in ((WORK, SMALL), (replace(WORK, texts=Figure(200, 100, 400)), LARGE))
    )
    assert first.cost is not None
    assert second.cost is not None
    assert way.cost == first.cost + second.cost
    assert way.seconds == Figure(240, 220, 280)


@pytest.mark.parametrize("prices", [(None, LARGE), (SMALL, None)])
def test_a_cascade_with_an_unknown_price_costs_something_unknown(
    prices: tuple[Price | None, Price | None],
) -> None:
    assert cascade(WORK, prices, exactly(0.2), PACE, Caching()).cost is None


def test_what_is_sent_again_is_paid_again_and_a_reply_counts_all_questions() -> None:
    way = plain(replace(WORK, asked=exactly(1.5)), SMALL, PACE)
    assert dollars(way.cost)[0] == pytest.approx(2.0 * 1.5 + 0.15)
    assert way.seconds == exactly(300)


def test_an_unknown_price_is_never_nothing() -> None:
    assert plain(WORK, None, PACE).cost is None
    assert cached(WORK, None, PACE, Caching()).cost is None
    assert plain(WORK, FREE, PACE).cost == exactly(0)


def test_limits_of_the_provider_hold_a_run_up() -> None:
    by_requests = plain(WORK, SMALL, replace(PACE, requests_per_minute=50)).seconds
    assert by_requests == exactly(1200)
    limited = replace(PACE, input_tokens_per_minute=100_000)
    by_tokens = plain(WORK, SMALL, limited).seconds
    assert by_tokens is not None
    assert by_tokens.value == pytest.approx(2_000_000 / 100_000 * 60)
    quicker = cached(WORK, SMALL, limited, Caching()).seconds
    assert quicker is not None
    assert quicker.value == pytest.approx((500_000 + 1_500) / 100_000 * 60)


def test_a_time_that_nobody_knows_stays_unknown() -> None:
    nobody = Pace(concurrency=4)
    assert plain(WORK, SMALL, nobody).seconds is None
    assert cascade(WORK, (SMALL, LARGE), exactly(0.1), nobody, Caching()).seconds is None


@pytest.mark.parametrize(("over", "factor"), [(2_500, 1), (1_500, 5)])
def test_the_price_of_long_prompts_is_for_requests_that_are_long_not_for_many(
    over: int, factor: int
) -> None:
    price = replace(SMALL, long_prompt=LongPrompt(over, Decimal(5), Decimal(5)))
    usual, long = (plain(WORK, each, PACE).cost for each in (SMALL, price))
    assert usual is not None
    assert long == usual.times(factor)
    half, dearer = (
        batched(WORK, each, Waves(requests=9), Caching()).cost for each in (SMALL, price)
    )
    assert half is not None
    assert dearer == half.times(factor)
    cheap, dear = (cached(WORK, each, PACE, Caching()).cost for each in (SMALL, price))
    assert cheap is not None
    assert dear == cheap.times(factor)
