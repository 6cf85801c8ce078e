"""The part of a prompt that all items share: whether it is long enough to be cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kclassify.classifier.model import ChosenModel
from kclassify.classifier.prompt_cache import Cache, lifetime_s
from kclassify.core.price import Price
from kclassify.core.token_estimate import APPROXIMATION_ERROR, approximate_tokens

if TYPE_CHECKING:
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.prompt import Prompt


@dataclass(frozen=True, slots=True)
class SharedPrompt:
    """`text` is all of it, as it goes out. Without a `price` nobody knows how long it has to be.

    `in_batches` says whether it goes out in the requests of batches.
    """

    text: str
    model: ChosenModel
    price: Price | None
    cache: Cache
    in_batches: bool = False

    @property
    def tokens(self) -> int:
        """About how many it has."""
        return approximate_tokens(self.text)

    @property
    def warms_cache(self) -> float | None:
        """For how many seconds it stays cached after a call; None where it is too short for that.

        Where it may be cached it counts as cached: to wait in vain takes as long as one call.
        """
        fewest = self._fewest
        return None if fewest is None or self._most < fewest else lifetime_s(self.cache)

    @property
    def advice(self) -> tuple[str, ...]:
        """That it is too short to be cached, in one line with figures."""
        fewest = self._fewest
        if fewest is None or self._most >= fewest:
            return ()
        each = "request of a batch" if self.in_batches else "call"
        told = (
            f"the part of the prompt that all items share is about {self.tokens:,} tokens; "
            f"{self.model.name} caches {fewest:,} or more: every {each} pays for all of it"
        )
        return (told,)

    @property
    def _most(self) -> float:
        """As many tokens as it may have."""
        return self.tokens * (1 + APPROXIMATION_ERROR)

    @property
    def _fewest(self) -> int | None:
        """Tokens from which it is cached; None where nobody asks for that."""
        if self.price is None or self.cache == "off":
            return None
        return self.price.min_cache_tokens


def shared_text(provider: InstructorProvider, prompt: Prompt) -> str:
    """The text of the system as it goes out, with what the libraries add to it."""
    if provider.cache == "off":
        return prompt.system
    blocks = provider.rendered([prompt.system, ""])["system"]
    return "".join(block["text"] for block in blocks)
