"""What a model costs, and what that makes of the tokens of a call: exact, in nanodollars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from kclassify.core.verdict import Usage

NANODOLLARS = 1_000_000_000
"""In a dollar."""

_A_TOKEN = 1000
"""Nanodollars a token, of one dollar per million tokens."""


@dataclass(frozen=True, slots=True)
class LongPrompt:
    """What a prompt of more than `over` tokens is multiplied by, cached or not, all of it."""

    over: int
    input_factor: Decimal
    output_factor: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model, in dollars per million tokens, as its provider gave it on `as_of`.

    `cache_write` is for an entry that lives five minutes, `cache_write_1h` for one that lives an
    hour. In a batch all of it is multiplied by `batch_factor`; None where there are no batches.
    `min_cache_tokens` is the length from which a prefix is cached at all.
    """

    model: str
    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    batch_factor: Decimal | None = None
    min_cache_tokens: int = 0
    as_of: str = ""
    long_prompt: LongPrompt | None = None

    def cost(self, usage: Usage, *, batch: bool = False, one_hour: bool = False) -> int:
        """Nanodollars of the tokens of one request, rounded up.

        `one_hour` is how long cache entries live. Raises `ValueError` for a batch where the price
        knows of none.
        """
        write = self.cache_write_1h if one_hour else self.cache_write
        dollars = (
            usage.input_tokens * self.input
            + usage.cache_write_tokens * write
            + usage.cache_read_tokens * self.cache_read
        )
        return self._nanodollars(usage.all_input, dollars, usage.output_tokens, batch=batch)

    def worst(
        self, input_tokens: int, output_tokens: int, *, batch: bool = False, one_hour: bool = False
    ) -> int:
        """The most nanodollars that so many tokens cost, all of the input written to a cache."""
        write = self.cache_write_1h if one_hour else self.cache_write
        dearest = max(self.input, write, self.cache_read)
        return self._nanodollars(input_tokens, input_tokens * dearest, output_tokens, batch=batch)

    def _nanodollars(
        self, prompt: int, dollars: Decimal, output_tokens: int, *, batch: bool
    ) -> int:
        written = output_tokens * self.output
        long = self.long_prompt
        if long is not None and prompt > long.over:
            dollars, written = dollars * long.input_factor, written * long.output_factor
        return math.ceil((dollars + written) * _A_TOKEN * self._factor(batch=batch))

    def _factor(self, *, batch: bool) -> Decimal:
        if not batch:
            return Decimal(1)
        if self.batch_factor is None:
            msg = f"the price of {self.model} has no batch_factor"
            raise ValueError(msg)
        return self.batch_factor


_NOTHING = Decimal(0)
FREE = Price("local", _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, Decimal(1))
"""What costs no money."""
