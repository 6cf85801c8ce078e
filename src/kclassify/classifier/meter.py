"""Prices the questions of one classifier: what they came to, and what they can come to at most."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kclassify.classifier.call import LONGEST_ASK_AGAIN
from kclassify.core.price import Price
from kclassify.core.token_estimate import most_tokens
from kclassify.core.verdict import Usage

if TYPE_CHECKING:
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.prompt import Prompt

ADDED_TOKENS = 1_000
"""More than a provider adds to a request: its wording of the schema, of the roles, of the turns."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What is None has no price. `one_hour` is how long cache entries live.

    `shared` and `again` are the most tokens of what goes with every question, and of what is added
    to the second one about an item; `max_tokens` are those of a reply.
    """

    price: Price | None
    shared: int
    again: int
    max_tokens: int
    one_hour: bool = False

    @property
    def nothing(self) -> int | None:
        """The nanodollars of no question."""
        return None if self.price is None else 0

    def cost(self, usage: Usage) -> int | None:
        """Nanodollars of the tokens of one question."""
        return None if self.price is None else self.price.cost(usage, one_hour=self.one_hour)

    def worst(self, text: str, *, again: bool = False) -> int | None:
        """The most nanodollars of one question with this text of an item."""
        if self.price is None:
            return None
        asked = self.shared + most_tokens(text) + (self.again if again else 0) + ADDED_TOKENS
        return self.price.worst(asked, self.max_tokens, one_hour=self.one_hour)

    def worst_of_both(self, text: str) -> int | None:
        """The most nanodollars of a question, and of one more when its reply cannot be used."""
        first, second = self.worst(text), self.worst(text, again=True)
        return None if first is None or second is None else first + second


def meter_of(
    price: Price | None,
    provider: InstructorProvider,
    prompt: Prompt,
    max_tokens: int,
    *,
    one_hour: bool,
) -> Meter:
    """The meter of what a provider is asked with this prompt."""
    if price is None:
        return Meter(None, 0, 0, max_tokens)
    shared, again = provider.rendered([prompt.system, ""]), {"content": LONGEST_ASK_AGAIN}
    return Meter(price, _most_tokens(shared), _most_tokens(again), max_tokens, one_hour)


def _most_tokens(fields: object) -> int:
    return most_tokens(json.dumps(fields, ensure_ascii=False, default=str))
