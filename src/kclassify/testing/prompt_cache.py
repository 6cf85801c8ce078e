"""The cache of prompts' beginnings: what is read, what is written, and for how long it lives."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kclassify.testing.wire import Prefix

FIVE_MINUTES = 300
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Found:
    """What a question finds: tokens read, and tokens to write by how long their entry lives.

    `written` are the entries, readable once the answer has begun.
    """

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0
    written: tuple[Prefix, ...] = ()

    @property
    def tokens(self) -> int:
        """All tokens that the cache has to do with."""
        return self.read + self.written_5m + self.written_1h


class PromptCache:
    """Entries by model and prefix. `minimum` gives the tokens from which a model caches at all.

    Times are seconds on the stub's clock.
    """

    def __init__(self, minimum: Callable[[str], int], characters_per_token: float = 4) -> None:
        self._minimum = minimum
        self._characters_per_token = characters_per_token
        self._expiries: dict[tuple[str, str], float] = {}

    def look(self, model: str, prefixes: Sequence[Prefix], now: float) -> Found:
        """What is read of these prefixes, the shortest first, and what has to be written.

        The longest one that is there is read, and lives anew. A prefix under the model's minimum
        is left alone.
        """
        lengths = {prefix: self.tokens(prefix.characters) for prefix in prefixes}
        cached = [prefix for prefix in prefixes if lengths[prefix] >= self._minimum(model)]
        there = [prefix for prefix in cached if self._lives_until(model, prefix) > now]
        self.store(model, there, now)
        read = lengths[there[-1]] if there else 0
        return _written(read, {each: lengths[each] for each in cached if lengths[each] > read})

    def tokens(self, characters: int) -> int:
        """The tokens of so many characters, rounded down: a part has no more than the whole."""
        return int(characters / self._characters_per_token)

    def store(self, model: str, written: Sequence[Prefix], now: float) -> None:
        """These are readable from now on, each for as long as it lives."""
        for prefix in written:
            until = max(now + prefix.ttl_s, self._lives_until(model, prefix))
            self._expiries[model, prefix.mark] = until

    def _lives_until(self, model: str, prefix: Prefix) -> float:
        return self._expiries.get((model, prefix.mark), -inf)


def _written(read: int, written: Mapping[Prefix, int]) -> Found:
    lengths = {FIVE_MINUTES: 0, HOUR: 0}
    reached = read
    for prefix, tokens in written.items():
        lengths[prefix.ttl_s] += tokens - reached
        reached = tokens
    return Found(read, lengths[FIVE_MINUTES], lengths[HOUR], tuple(written))
