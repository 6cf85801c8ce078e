"""What a question is answered, in its wire format, and the tokens that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

from kclassify.testing.content import content_of
from kclassify.testing.wire import TokensUsed

if TYPE_CHECKING:
    from kclassify.testing.faults import Fault
    from kclassify.testing.prompt_cache import PromptCache
    from kclassify.testing.replies import Replies
    from kclassify.testing.wire import Prefix, Question, Wire

_RUN = uuid4().hex[:12]
_NUMBERS = count()


def new_identity() -> str:
    """What the ids of answers end in: never the same twice."""
    return f"{_RUN}{next(_NUMBERS):08x}"


@dataclass(frozen=True, slots=True)
class Answered:
    """A body to be sent with a 200; `written` is to be readable in the cache from then on."""

    identity: str
    model: str
    body: dict[str, object]
    used: TokensUsed
    written: tuple[Prefix, ...] = ()


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions by what `replies` say, with what the cache holds."""

    replies: Replies
    cache: PromptCache

    def tokens(self, characters: int) -> int:
        """The tokens of so many characters, one at least."""
        return max(1, self.cache.tokens(characters))

    def answer(self, wire: Wire, question: Question, fault: Fault | None, now: float) -> Answered:
        """The answer at that time on the stub's clock, spoilt as the fault says.

        Raises `NoAnswerError` where the replies have none.
        """
        answer = self.replies.answer(question.item, question.shape.labels)
        content = content_of(fault, answer, question.shape)
        found = self.cache.look(question.model, question.prefixes, now)
        used = TokensUsed(
            input=self.tokens(question.characters) - found.tokens,
            output=self.tokens(len(content.text)),
            read=found.read,
            written_5m=found.written_5m,
            written_1h=found.written_1h,
        )
        identity = new_identity()
        body = wire.success(question, content, used, identity)
        return Answered(identity, question.model, body, used, found.written)
