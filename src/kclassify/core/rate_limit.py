"""What a provider says of its rate limits, in the headers of its replies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit: `name` is `requests`, `tokens`, `input-tokens` or `output-tokens`.

    Of `limit` a minute, `remaining` could be spent when the reply was sent; all of it can again
    `resets_in_s` seconds later.
    """

    name: str
    limit: float
    remaining: float
    resets_in_s: float
