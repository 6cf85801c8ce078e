"""A price at which every token costs the same."""

from __future__ import annotations

from decimal import Decimal

from kclassify.core.price import LongPrompt, Price


def flat_price(
    dollars: str = "1",
    model: str = "x/y",
    *,
    min_cache_tokens: int = 0,
    long_prompt: LongPrompt | None = None,
) -> Price:
    """So many dollars per million tokens; there are no batches."""
    each = Decimal(dollars)
    return Price(
        model,
        each,
        each,
        each,
        each,
        each,
        min_cache_tokens=min_cache_tokens,
        long_prompt=long_prompt,
    )
