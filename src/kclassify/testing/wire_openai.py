"""The OpenAI-compatible chat completions format, which Ollama and vLLM speak too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from kclassify.testing.item_text import item_asked
from kclassify.testing.shape import AnswerShape, shape_in, shape_of
from kclassify.testing.wire import Content, Failure, Question, TokensUsed, TurnMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kclassify.core.rate_limit import RateLimit

_STOPS = {"end": "stop", "refusal": "stop", "truncated": "length"}
_REFUSED = "I'm sorry, I cannot help with that."


class _JsonSchema(BaseModel):
    schema_: dict[str, Any] = Field({}, alias="schema")


class _ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _Function(BaseModel):
    name: str
    parameters: dict[str, Any] = {}


class _Tool(BaseModel):
    function: _Function


class _Request(BaseModel):
    model: str
    messages: Annotated[list[TurnMessage], Field(min_length=1)]
    response_format: _ResponseFormat | None = None
    tools: list[_Tool] = []
    tool_choice: str | _Tool | None = None
    stream: Literal[False] | None = None

    def function(self) -> _Function | None:
        """The function to be called: the one that is forced, or else the first."""
        choice = self.tool_choice
        if choice == "none":
            return None
        forced = choice.function.name if isinstance(choice, _Tool) else None
        functions = (tool.function for tool in self.tools)
        return next((f for f in functions if forced in {None, f.name}), None)

    def shape(self) -> AnswerShape:
        """The shape asked for by the response format, a function, or the prompt's words."""
        if self.response_format is not None and self.response_format.json_schema is not None:
            return shape_of(self.response_format.json_schema.schema_)
        function = self.function()
        if function is not None:
            return shape_of(function.parameters)
        return shape_in(self.instructions)

    @property
    def instructions(self) -> str:
        """The text of all messages that are not the user's."""
        return "\n".join(message.text for message in self.messages if message.role != "user")


class OpenAIWire:
    """`POST /v1/chat/completions`."""

    def read(self, body: Mapping[str, Any]) -> Question:
        """The question in a request's body; pydantic.ValidationError when it is not one."""
        request = _Request.model_validate(body)
        function = request.function()
        asked = [message.text for message in request.messages if message.role == "user"]
        return Question(
            model=request.model,
            item=item_asked(asked, request.instructions),
            shape=request.shape(),
            tool=function.name if function else None,
            characters=sum(len(message.text) for message in request.messages),
        )

    def success(
        self, question: Question, content: Content, used: TokensUsed, identity: str
    ) -> dict[str, object]:
        """The body of a 200."""
        called = question.tool is not None and content.stop == "end"
        choice = {
            "index": 0,
            "message": _message(question, content, identity),
            "finish_reason": "tool_calls" if called else _STOPS[content.stop],
            "logprobs": None,
        }
        return {
            "id": f"chatcmpl-{identity}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": question.model,
            "choices": [choice],
            "usage": {
                "prompt_tokens": used.asked,
                "prompt_tokens_details": {"cached_tokens": used.read},
                "completion_tokens": used.output,
                "total_tokens": used.asked + used.output,
            },
        }

    def failure(self, failure: Failure, identity: str) -> dict[str, object]:  # noqa: ARG002
        """The body of any other status."""
        error = {
            "message": failure.message,
            "type": failure.type,
            "param": None,
            "code": failure.code,
        }
        return {"error": error}

    def limits(self, limits: Sequence[RateLimit], unix_time: float) -> dict[str, str]:  # noqa: ARG002
        """None: Ollama and vLLM send none either."""
        return {}


def _message(question: Question, content: Content, identity: str) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": content.text, "refusal": None}
    if content.stop == "refusal":
        return {**message, "content": None, "refusal": _REFUSED}
    if question.tool is None:
        return message
    function = {"name": question.tool, "arguments": content.text}
    call = {"id": f"call_{identity}", "type": "function", "function": function}
    return {**message, "content": None, "tool_calls": [call]}
