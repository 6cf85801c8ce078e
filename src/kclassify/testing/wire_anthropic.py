"""The Anthropic Messages format, not streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from kclassify.testing.cache_breakpoints import prefixes_of
from kclassify.testing.item_text import item_asked
from kclassify.testing.rate_limit_headers import rate_limit_headers
from kclassify.testing.shape import AnswerShape, shape_in, shape_of
from kclassify.testing.wire import (
    Content,
    Failure,
    Question,
    TextPart,
    TokensUsed,
    TurnMessage,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kclassify.core.rate_limit import RateLimit

_STOPS = {"end": "end_turn", "refusal": "refusal", "truncated": "max_tokens"}


class _Format(BaseModel):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class _OutputConfig(BaseModel):
    format: _Format | None = None


class _Tool(BaseModel):
    name: str
    input_schema: dict[str, Any] = {}


class _ToolChoice(BaseModel):
    type: str
    name: str | None = None


class _Counted(BaseModel):
    model: str
    messages: Annotated[list[TurnMessage], Field(min_length=1)]
    system: str | list[TextPart] = ""
    output_config: _OutputConfig | None = None
    tools: list[_Tool] = []
    tool_choice: _ToolChoice | None = None

    @property
    def characters(self) -> int:
        """Those of the system's texts and of all messages."""
        texts = [message.text for message in self.messages]
        return len(joined(self.system)) + sum(map(len, texts))

    def tool(self) -> _Tool | None:
        """The tool to be called: the one that is forced, or else the first."""
        choice = self.tool_choice or _ToolChoice(type="auto")
        if choice.type == "none":
            return None
        named = (tool for tool in self.tools if choice.name in {None, tool.name})
        return next(named, None)

    def shape(self) -> AnswerShape:
        """The shape asked for by the output format, a tool, or the prompt's words."""
        if self.output_config is not None and self.output_config.format is not None:
            return shape_of(self.output_config.format.schema_)
        tool = self.tool()
        return shape_of(tool.input_schema) if tool else shape_in(joined(self.system))


class _Request(_Counted):
    max_tokens: Annotated[int, Field(ge=1)]
    stream: Literal[False] = False


class AnthropicWire:
    """`POST /v1/messages`."""

    def count(self, body: Mapping[str, Any]) -> int:
        """The characters of such a request, which needs no `max_tokens`; ValidationError."""
        return _Counted.model_validate(body).characters

    def read(self, body: Mapping[str, Any]) -> Question:
        """The question in a request's body; ValueError when it is not one."""
        request = _Request.model_validate(body)
        asked = [message.text for message in request.messages if message.role == "user"]
        tool = request.tool()
        return Question(
            model=request.model,
            item=item_asked(asked, joined(request.system)),
            shape=request.shape(),
            tool=tool.name if tool else None,
            characters=request.characters,
            prefixes=prefixes_of(_before(body), request.system, request.messages),
        )

    def success(
        self, question: Question, content: Content, used: TokensUsed, identity: str
    ) -> dict[str, object]:
        """The body of a 200."""
        blocks = _blocks(question, content, identity)
        called = question.tool is not None and content.values is not None
        return {
            "id": f"msg_{identity}",
            "type": "message",
            "role": "assistant",
            "model": question.model,
            "content": blocks,
            "stop_reason": "tool_use" if called else _STOPS[content.stop],
            "stop_sequence": None,
            "usage": _usage(used),
        }

    def failure(self, failure: Failure, identity: str) -> dict[str, object]:
        """The body of any other status; the SDK reads the code at `error.details.error_code`."""
        error: dict[str, object] = {"type": failure.type, "message": failure.message}
        if failure.code is not None:
            error["details"] = {"error_code": failure.code}
        return {"type": "error", "error": error, "request_id": f"req_{identity}"}

    def limits(self, limits: Sequence[RateLimit], unix_time: float) -> dict[str, str]:
        """`anthropic-ratelimit-...`, three for each limit."""
        return rate_limit_headers(limits, unix_time)


def _before(body: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of the cache depends on beside the texts."""
    return {name: body.get(name) for name in ("tools", "output_config")}


def _usage(used: TokensUsed) -> dict[str, object]:
    return {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "cache_creation_input_tokens": used.written_5m + used.written_1h,
        "cache_read_input_tokens": used.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.written_5m,
            "ephemeral_1h_input_tokens": used.written_1h,
        },
    }


def _blocks(question: Question, content: Content, identity: str) -> list[dict[str, object]]:
    if content.stop == "refusal":
        return []
    if question.tool is None or content.values is None:
        return [{"type": "text", "text": content.text}]
    call = {"type": "tool_use", "id": f"toolu_{identity}", "name": question.tool}
    return [{**call, "input": content.values}]
