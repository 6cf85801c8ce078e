from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.price import FREE, NANODOLLARS, LongPrompt, Price
from kclassify.core.token_estimate import approximate_tokens, most_tokens
from kclassify.core.verdict import Usage
from tests.flat_price import flat_price

LONG = LongPrompt(100_000, Decimal(5), Decimal("1.5"))
HAIKU = Price(
    "anthropic/claude-haiku-4-5",
    input=Decimal(1),
    output=Decimal(5),
    cache_write=Decimal("1.25"),
    cache_write_1h=Decimal(2),
    cache_read=Decimal("0.1"),
    batch_factor=Decimal("0.5"),
    min_cache_tokens=4096,
)

dollars = st.decimals(0, 100, places=3)
factors = st.decimals(1, 10, places=1)
long_prompts = st.none() | st.builds(LongPrompt, st.integers(1, 3000), factors, factors)
prices = st.builds(
    Price,
    st.just("x/y"),
    dollars,
    dollars,
    dollars,
    dollars,
    dollars,
    st.just(Decimal("0.5")),
    long_prompt=long_prompts,
)
tokens = st.integers(0, 2000)
usages = st.builds(Usage, tokens, tokens, tokens, tokens)


def test_a_million_tokens_cost_what_the_price_says() -> None:
    million = 1_000_000
    assert HAIKU.cost(Usage(million)) == NANODOLLARS
    assert HAIKU.cost(Usage(0, million)) == 5 * NANODOLLARS
    assert HAIKU.cost(Usage(0, 0, million)) == NANODOLLARS * 5 // 4
    assert HAIKU.cost(Usage(0, 0, million), one_hour=True) == 2 * NANODOLLARS
    assert HAIKU.cost(Usage(0, 0, 0, million)) == NANODOLLARS // 10
    everything = Usage(million, million, million, million)
    assert HAIKU.cost(everything) == 7_350_000_000
    assert HAIKU.cost(everything, batch=True) == 7_350_000_000 // 2


def test_part_of_a_nanodollar_is_a_whole_one() -> None:
    cheap = flat_price("0.0001")
    assert [cheap.cost(Usage(tokens)) for tokens in (0, 1, 10, 11)] == [0, 1, 1, 2]


def test_a_long_prompt_is_dearer_whole_and_so_is_its_reply() -> None:
    price = flat_price(long_prompt=LONG)
    assert price.cost(Usage(99_999, 10, 1, 0)) == 100_010_000
    assert price.cost(Usage(99_999, 10, 1, 1)) == 100_001 * 5_000 + 10 * 1_500
    assert price.worst(100_000, 10) == 100_010_000
    assert price.worst(100_001, 10) == 100_001 * 5_000 + 10 * 1_500


def test_where_there_are_no_batches_there_is_no_price_of_one() -> None:
    with pytest.raises(ValueError, match="the price of x/y has no batch_factor"):
        flat_price().cost(Usage(1), batch=True)


def test_what_is_free_costs_nothing() -> None:
    most = 10**12
    assert FREE.worst(most, most, batch=True) == FREE.cost(Usage(most, most, most, most)) == 0


@given(prices, usages, st.booleans(), st.booleans())
def test_the_cost_is_exact_but_for_a_part_of_a_nanodollar(
    price: Price, usage: Usage, batch: bool, one_hour: bool
) -> None:
    write = price.cache_write_1h if one_hour else price.cache_write
    prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
    long = price.long_prompt
    is_long = long is not None and prompt > long.over
    sent, replied = (long.input_factor, long.output_factor) if long and is_long else (1, 1)
    exact = Fraction(sent) * (
        usage.input_tokens * Fraction(price.input)
        + usage.cache_write_tokens * Fraction(write)
        + usage.cache_read_tokens * Fraction(price.cache_read)
    ) + Fraction(replied) * usage.output_tokens * Fraction(price.output)
    exact *= 500 if batch else 1000
    assert 0 <= price.cost(usage, batch=batch, one_hour=one_hour) - exact < 1


@given(prices, usages, st.booleans(), st.booleans(), tokens, tokens)
def test_no_usage_costs_more_than_the_worst_of_as_many_tokens_or_more(
    price: Price, usage: Usage, batch: bool, one_hour: bool, more: int, longer: int
) -> None:
    prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
    worst = price.worst(prompt + more, usage.output_tokens + longer, batch=batch, one_hour=one_hour)
    assert price.cost(usage, batch=batch, one_hour=one_hour) <= worst


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("ééééé", 2)]
)
def test_about_four_characters_are_a_token(text: str, tokens: int) -> None:
    assert approximate_tokens(text) == tokens


@given(st.text(st.characters(), max_size=50))
def test_no_tokenizer_of_bytes_makes_more_tokens_than_most(text: str) -> None:
    assert most_tokens(text) >= len(text.encode("utf-8", "replace"))


def test_the_compatibility_form_counts_where_it_is_longer() -> None:
    assert most_tokens("\ufdfa") == 33
    assert most_tokens("ﬀ") == 3
    assert most_tokens("\ud800") == 3
