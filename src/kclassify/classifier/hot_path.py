"""Asks Anthropic's model with a request that was written once, and reads the plain reply itself.

instructor and the SDK own what is sent and what is accepted: the request is one that they wrote,
with another item's text, and every reply but the plainest goes through them as it came. A second
question about an item is theirs altogether.
"""

from __future__ import annotations

import json
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NotRequired, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from kclassify.classifier.answer import Answer, Failure, Stop
from kclassify.core.verdict import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import anthropic
    import httpx2

    from kclassify.classifier.provider import InstructorProvider
    from kclassify.classifier.redaction import Redaction
    from kclassify.classifier.reply import Reply
    from kclassify.classifier.request_body import RequestBodies

_PATH = "/v1/messages"
_HEADERS = {"Content-Type": "application/json"}
_FIRST_TURNS = 2
_LONGEST_REPLY = 10_000
"""Characters; instructor refuses replies that are absurdly long or deep."""

_replayed: ContextVar[httpx2.Response] = ContextVar("the reply that is read again")


class _Block(TypedDict):
    type: str
    text: NotRequired[str]


class _Tokens(TypedDict):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: NotRequired[int | None]
    cache_read_input_tokens: NotRequired[int | None]
    prompt_tokens: NotRequired[object]
    completion_tokens: NotRequired[object]


class _Message(TypedDict):
    content: list[_Block]
    stop_reason: str
    model: str
    usage: _Tokens
    choices: NotRequired[object]
    candidates: NotRequired[object]


_messages = TypeAdapter(_Message)


@dataclass
class HotPath:
    """The first question about an item, fast; any other as `by_instructor` asks it.

    The SDK makes the first call itself. Those that follow send what it sent, headers and all, by
    its own HTTP client, with credentials that renew themselves where there are such.
    """

    by_instructor: InstructorProvider
    bodies: RequestBodies
    _sent: httpx2.Request | None = field(default=None, repr=False)

    async def ask(self, messages: Sequence[str], redaction: Redaction) -> Answer | Failure:
        """What came of one request: the system's text, then the user's, one turn each."""
        if len(messages) != _FIRST_TURNS:
            return await self.by_instructor.ask(messages, redaction)
        return await self.by_instructor.told(partial(self._ask, messages, redaction), redaction)

    async def _ask(self, messages: Sequence[str], redaction: Redaction) -> Answer | Failure:
        if _is_traced(self._library):
            return await self.by_instructor.answer(messages, redaction)
        content = self.bodies.asking(messages[1])
        if self._sent is None:
            response = await self._by_the_sdk(content)
        else:
            response = await self._like(self._sent, content)
        answer = plain_answer(response, self.by_instructor.reply_model)
        return answer or await self._read_again(response, messages, redaction)

    async def _by_the_sdk(self, content: bytes) -> httpx2.Response:
        import httpx2  # noqa: PLC0415

        response = await self._library.post(
            _PATH, content=content, cast_to=httpx2.Response, options={"headers": _HEADERS}
        )
        first = response.history[0] if response.history else response
        self._sent = first.request
        for name in self._of_one_call:
            self._sent.headers.pop(name, None)
        return response

    @property
    def _of_one_call(self) -> set[str]:
        """Headers that the next call has anew: its length, a token that may be renewed, cookies."""
        lasting = {name.lower() for name in self._library.default_headers}
        return {"content-length", *({"authorization", "cookie"} - lasting)}

    async def _like(self, sent: httpx2.Request, content: bytes) -> httpx2.Response:
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        client = cast("httpx2.AsyncClient", self.by_instructor.http_client)
        auth = self._library.custom_auth
        request = httpx2.Request(
            sent.method,
            sent.url,
            headers=sent.headers,
            cookies=client.cookies,
            content=content,
        )
        try:
            return await (client.send(request, auth=auth) if auth else client.send(request))
        except Exception as error:
            raise anthropic.APIConnectionError(request=request) from error

    @property
    def _library(self) -> anthropic.AsyncAnthropic:
        return cast("anthropic.AsyncAnthropic", self.by_instructor.client.client)

    async def _read_again(
        self, response: httpx2.Response, messages: Sequence[str], redaction: Redaction
    ) -> Answer | Failure:
        token = _replayed.set(response)
        try:
            return await self._replaying.answer(messages, redaction)
        finally:
            _replayed.reset(token)

    @cached_property
    def _replaying(self) -> InstructorProvider:
        """The same libraries over a client that has the reply already."""
        import instructor  # noqa: PLC0415

        library = self._library.with_options(http_client=_client_of_replays())
        client = instructor.from_anthropic(library, mode=self.by_instructor.client.mode)
        return replace(self.by_instructor, client=client)


def _is_traced(library: anthropic.AsyncAnthropic) -> bool:
    """Whether the SDK tells OpenTelemetry of its calls, which it does of whole ones of its own."""
    from opentelemetry import trace  # noqa: PLC0415

    if not library.open_telemetry["traces"]["enabled"]:
        return False
    nobody = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)
    with suppress(Exception):  # the environment may name a provider that cannot be loaded
        return not isinstance(trace.get_tracer_provider(), nobody)
    return False


def _client_of_replays() -> httpx2.AsyncClient:
    """Sends and logs nothing, and asks for no token: it has the reply that is read again."""
    import httpx2  # noqa: PLC0415

    class Replays(httpx2.AsyncClient):
        async def send(self, request: httpx2.Request, **_: object) -> httpx2.Response:
            del request
            return _replayed.get()

    return Replays(transport=httpx2.AsyncBaseTransport())


def plain_answer(response: httpx2.Response, reply_model: type[Reply]) -> Answer | None:
    """The answer of a reply that nobody could read otherwise; None of any other reply.

    It is one text, which is one flat JSON object that the model of replies takes.
    """
    if not response.is_success:
        return None
    try:
        message = _messages.validate_json(response.content, strict=True)
        reply = reply_model.model_validate_json(_flat_object_in(message), strict=True)
    except (ValidationError, ValueError, TypeError, RecursionError):
        return None
    return Answer(Stop.ENDED, reply.label, reply.confidence, "", message["model"], _usage(message))


def _flat_object_in(message: _Message) -> str:
    """The text of a message that is one flat JSON object. Raises where it is not."""
    (block,) = message["content"]
    if message["stop_reason"] != "end_turn" or block["type"] != "text" or _is_odd(message):
        raise ValueError("not plain")
    text = block.get("text", "")
    if len(text) > _LONGEST_REPLY:
        raise ValueError("not short")
    # instructor looks for the last object in a text: here it is all there is.
    found: object = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("not an object")
    if any(isinstance(value, dict | list) for value in cast("dict[str, object]", found).values()):
        raise ValueError("not flat")
    return text


def _is_odd(message: _Message) -> bool:
    """Whether it has what other providers' replies have, which is looked at first."""
    others = message.keys() & {"choices", "candidates"}
    return bool(others or message["usage"].keys() & {"prompt_tokens", "completion_tokens"})


def _usage(message: _Message) -> Usage:
    tokens = message["usage"]
    counted = (
        tokens["input_tokens"],
        tokens["output_tokens"],
        tokens.get("cache_creation_input_tokens"),
        tokens.get("cache_read_input_tokens"),
    )
    return Usage(*(max(0, count or 0) for count in counted))
