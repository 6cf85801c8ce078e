from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kclassify.classifier.model import DEFAULT_MODEL
from kclassify.classifier.prices import known_prices, price_of
from kclassify.config.settings import PriceSettings
from kclassify.core.price import FREE, Price
from kclassify.core.verdict import Usage
from kclassify.errors import ConfigError

GIVEN = PriceSettings(input=Decimal(7), output=Decimal(9))


@pytest.mark.parametrize("price", known_prices().values(), ids=known_prices())
def test_a_built_in_price_makes_sense(price: Price) -> None:
    assert 0 < price.cache_read <= price.input < price.output
    assert price.input <= price.cache_write <= price.cache_write_1h <= 2 * price.input
    assert price.batch_factor == Decimal("0.5")
    assert 512 <= price.min_cache_tokens <= 4096
    assert date(2026, 1, 1) < date.fromisoformat(price.as_of)
    assert known_prices()[price.model] is price


def test_the_prices_of_a_provider_go_from_the_dearest_to_the_cheapest() -> None:
    anthropic = [price for price in known_prices().values() if price.model.startswith("anthropic/")]
    assert len(anthropic) > 10
    outputs = [price.output for price in anthropic]
    assert outputs == sorted(outputs, reverse=True)


def test_the_default_model_has_its_price() -> None:
    price = price_of(DEFAULT_MODEL)
    assert price is not None
    told = (price.input, price.output, price.cache_write, price.cache_write_1h, price.cache_read)
    assert told == tuple(map(Decimal, ("1", "5", "1.25", "2", "0.1")))
    assert price.min_cache_tokens == 4096


def test_a_dated_model_costs_what_its_alias_does() -> None:
    assert price_of("claude-haiku-4-5-20251001") is price_of("anthropic/claude-haiku-4-5")
    assert price_of("openai/gpt-4o-2024-08-06") is price_of("openai/gpt-4o")


def test_a_dated_model_with_a_price_of_its_own_has_that() -> None:
    snapshot = price_of("openai/gpt-4o-2024-05-13")
    assert snapshot is not None
    assert snapshot.input == 5


@pytest.mark.parametrize(
    "model", ["anthropic/claude-haiku-9", "openai/claude-haiku-4-5", "ollama/llama3.2", "gpt-4o"]
)
def test_a_model_that_nobody_priced_has_no_price(model: str) -> None:
    assert price_of(model) is None


def test_the_embedded_classifier_is_free() -> None:
    assert price_of("local") is FREE


def test_half_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="write it as provider/model"):
        price_of("anthropic/")


@pytest.mark.parametrize("key", ["anthropic/claude-haiku-4-5", "claude-haiku-4-5"])
def test_what_the_settings_say_wins(key: str) -> None:
    price = price_of("claude-haiku-4-5-20251001", {key: GIVEN})
    assert price is not None
    assert price.model == "anthropic/claude-haiku-4-5-20251001"
    told = (price.input, price.cache_read, price.cache_write, price.cache_write_1h, price.output)
    assert told == tuple(map(Decimal, ("7", "0.7", "8.75", "14", "9")))
    assert (price.batch_factor, price.min_cache_tokens) == (Decimal("0.5"), 4096)


@pytest.mark.parametrize("price", known_prices().values(), ids=known_prices())
def test_the_same_figures_in_the_settings_make_the_same_costs_and_the_same_worst(
    price: Price,
) -> None:
    said = PriceSettings(input=price.input, output=price.output)
    given = price_of(price.model, {price.model: said})
    assert given is not None
    assert given == replace(price, as_of="")
    long = Usage(150_000, 30, 100_000, 200_000)
    for one_hour in (False, True):
        cost = price.cost(long, one_hour=one_hour)
        assert given.cost(long, one_hour=one_hour) == cost
        assert given.worst(450_000, 30, one_hour=one_hour) >= cost


def test_the_settings_of_one_snapshot_are_of_that_alone() -> None:
    own = {"anthropic/claude-haiku-4-5-20251001": GIVEN}
    assert price_of("claude-haiku-4-5", own) is price_of("claude-haiku-4-5")
    dated = price_of("claude-haiku-4-5-20251001", own)
    assert dated is not None
    assert dated.input == 7


def test_a_price_of_the_settings_alone_is_all_that_they_say() -> None:
    said = PriceSettings(
        input=Decimal(1),
        output=Decimal(2),
        cache_write=Decimal(3),
        cache_write_1h=Decimal(4),
        cache_read=Decimal(0),
        batch_factor=Decimal("0.4"),
        min_cache_tokens=100,
    )
    one, two, three, four, zero = map(Decimal, (1, 2, 3, 4, 0))
    told = Price("x/y", one, two, three, four, zero, Decimal("0.4"), 100)
    assert price_of("x/y", {"x/y": said}) == told
    plain = price_of("x/y", {"x/y": GIVEN})
    assert plain is not None
    assert {plain.input, plain.cache_read, plain.cache_write, plain.cache_write_1h} == {7}
    assert (plain.batch_factor, plain.min_cache_tokens) == (None, 0)
    none = PriceSettings(input=Decimal(1), output=Decimal(2), min_cache_tokens=0)
    haiku = price_of("claude-haiku-4-5", {"claude-haiku-4-5": none})
    assert haiku is not None
    assert haiku.min_cache_tokens == 0
