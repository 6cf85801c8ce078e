"""What both APIs have in common: a question read, an answer or a failure to be rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kclassify.core.rate_limit import RateLimit
    from kclassify.testing.item_text import ItemText
    from kclassify.testing.shape import AnswerShape


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was understood; `tool` is the function it wants called, if any."""

    model: str
    item: ItemText
    shape: AnswerShape
    tool: str | None
    characters: int
    prefixes: tuple[Prefix, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a question that is to be cached.

    `mark` tells it from any other, and an entry lives `ttl_s` seconds.
    """

    mark: str
    characters: int
    ttl_s: int


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """The tokens of one answer. `input` is neither read from the cache nor written to it.

    `written_1h` are those written to entries that live an hour, `written_5m` five minutes.
    """

    input: int
    output: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def asked(self) -> int:
        """The tokens of the whole question."""
        return self.input + self.read + self.written_5m + self.written_1h


@dataclass(frozen=True, slots=True)
class Content:
    """What the model is to have said, and why it stopped. `values` is None when it was no JSON."""

    text: str
    values: Mapping[str, object] | None
    stop: Literal["end", "refusal", "truncated"] = "end"


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal with an HTTP status, in the words of the Messages API."""

    status: int
    type: str
    message: str
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Wire(Protocol):
    """One API's format."""

    def read(self, body: Mapping[str, Any]) -> Question:
        """The question in a request's body; ValueError when it is not one."""
        ...

    def success(
        self, question: Question, content: Content, used: TokensUsed, identity: str
    ) -> dict[str, object]:
        """The body of a 200."""
        ...

    def failure(self, failure: Failure, identity: str) -> dict[str, object]:
        """The body of any other status."""
        ...

    def limits(self, limits: Sequence[RateLimit], unix_time: float) -> dict[str, str]:
        """The headers that say what is left of rate limits, at that time in seconds."""
        ...


class CacheControl(BaseModel):
    """Asks that all up to here is cached for so long."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class TextPart(BaseModel):
    """A part of a message; parts of other types have no text."""

    type: str
    text: str = ""
    cache_control: CacheControl | None = None


class TurnMessage(BaseModel):
    """One message of a conversation."""

    role: str
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The text of all parts."""
        return joined(self.content)


def joined(content: str | Sequence[TextPart] | None) -> str:
    """The text of a message's content, parts on lines of their own."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.text for part in content)
