"""Asks a provider's model through instructor: one request, no retries, plain data back."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kclassify.classifier.answer import Answer, Failure, FailureKind
from kclassify.classifier.completion import read_completion
from kclassify.classifier.failure import read_failure
from kclassify.classifier.noise import hushed
from kclassify.classifier.prompt_cache import Cache, marked
from kclassify.classifier.rate_limit_headers import hearing, rate_limits
from kclassify.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2
    import instructor

    from kclassify.classifier.redaction import Redaction
    from kclassify.classifier.reply import Reply


class Provider(Protocol):
    """Somebody to ask. Raises nothing of a library's."""

    @property
    def by_instructor(self) -> InstructorProvider:
        """The same, asked through instructor alone."""
        ...

    async def ask(self, messages: Sequence[str], redaction: Redaction) -> Answer | Failure:
        """What came of one request: the system's text, then the user's, one turn each."""
        ...


@dataclass(frozen=True)
class InstructorProvider:
    """A provider behind an instructor client.

    `arguments` go with every request; `takes_trio` says whether its library runs under trio.
    `cache` is how long the provider keeps the system's text, where it has to be asked to;
    `http_client` what its library sends by, where we know.
    """

    client: instructor.AsyncInstructor
    name: str
    reply_model: type[Reply]
    arguments: Mapping[str, Any]
    takes_trio: bool
    cache: Cache = "off"
    http_client: httpx2.AsyncClient | None = None
    _marked: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    @property
    def by_instructor(self) -> InstructorProvider:
        """Itself."""
        return self

    @property
    def secrets(self) -> Sequence[object]:
        """The keys in use, to be kept out of every message."""
        names = ("api_key", "auth_token")
        return [getattr(self.client.client, name, None) for name in names]

    async def ask(self, messages: Sequence[str], redaction: Redaction) -> Answer | Failure:
        """What came of one request. Raises `UsageError` on trio when the library cannot do it."""
        return await self.told(partial(self.answer, messages, redaction), redaction)

    async def told(
        self, ask: Callable[[], Awaitable[Answer | Failure]], redaction: Redaction
    ) -> Answer | Failure:
        """What came of a request of its library's, with what the reply says of rate limits."""
        self._check_event_loop()
        with hearing() as heard, hushed():
            try:
                result = await ask()
            except Exception as error:  # noqa: BLE001 - whatever a library raises ends here
                result = read_failure(error, redaction, time.time())
        limits = rate_limits(heard[-1], time.time()) if heard else ()
        return replace(result, rate_limits=limits) if limits else result

    async def answer(self, messages: Sequence[str], redaction: Redaction) -> Answer | Failure:
        """What came of one request, but for its rate limits."""
        received: list[object] = []
        reply, raised = None, None
        try:
            reply = await self._create(messages, received)
        except Exception as error:  # noqa: BLE001 - whatever a provider's library raises ends here
            raised = error
        if raised is not None and not received:
            return read_failure(raised, redaction, time.time())
        answer = read_completion(received[-1], reply, raised) if received else None
        return answer or Failure(FailureKind.BROKEN_BODY)

    async def aclose(self) -> None:
        """Let go of connections."""
        close: Any = getattr(self.client.client, "close", None)
        closing: object = close() if callable(close) else None
        if isinstance(closing, Awaitable):
            await closing

    def asking(self, messages: Sequence[str]) -> dict[str, Any]:
        """The arguments with which instructor's `create` asks in these turns."""
        asked = self._unmarked(messages)
        if self.cache == "off":
            return asked
        system = messages[0]
        if system not in self._marked:
            self._marked[system] = marked(self._rendered(asked)["system"], self.cache)
        # instructor's text about the schema comes last: only the body's own fields go over it.
        return {**asked, "extra_body": {"system": self._marked[system]}}

    def rendered(self, messages: Sequence[str]) -> Mapping[str, Any]:
        """The fields of the request that asks in these turns, as they go out."""
        return self._rendered(self.asking(messages))

    def _unmarked(self, messages: Sequence[str]) -> dict[str, Any]:
        roles = ["system", *["user"] * (len(messages) - 1)]
        turns = [
            {"role": role, "content": text} for role, text in zip(roles, messages, strict=True)
        ]
        own = {"response_model": self.reply_model, "messages": turns, "max_retries": 0}
        return {**own, **self.arguments}

    def _rendered(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        from instructor.processing.response import handle_response_model  # noqa: PLC0415

        told = {name: value for name, value in asked.items() if name != "max_retries"}
        mode, provider = self.client.mode, self.client.provider
        with hushed():
            _, fields = handle_response_model(**told, mode=mode, provider=provider)
        over = fields.pop("extra_body", {})
        return {**fields, **over}

    async def _create(self, messages: Sequence[str], received: list[object]) -> Reply:
        from instructor.core.hooks import Hooks  # noqa: PLC0415

        hooks = Hooks()
        hooks.on("completion:response", received.append)
        reply: Reply = await self.client.create(**self.asking(messages), hooks=hooks)
        return reply

    def _check_event_loop(self) -> None:
        if not self.takes_trio and on_trio():
            raise UsageError(f"{self.name}'s library runs under asyncio only, not under trio")


def on_trio() -> bool:
    """Whether this runs under trio."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_task())
