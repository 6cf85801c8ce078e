"""The body of a request as the libraries write it, byte for byte, with another item's text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from kclassify.classifier.call import ask_again
from kclassify.classifier.noise import hushed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kclassify.classifier.provider import InstructorProvider
    from kclassify.core.item import Item
    from kclassify.prompt import Prompt

# Without one of ours the SDK refuses to ask for a long reply.
_NEVER_WAITED_S = 1.0
_PLACE = "the place of an item 5c3f1e9a0b7d4286"


@dataclass(frozen=True)
class RequestBodies:
    """Makes the bodies of Anthropic's requests.

    The libraries write one themselves; all others are that one with another item's text.
    """

    provider: InstructorProvider
    prompt: Prompt

    def of(self, item: Item, *, again: bool = False) -> bytes:
        """The JSON that asks about an item; `again` after a reply that could not be used."""
        return _with(self._again if again else self._first, self.prompt.render(item).user)

    def asking(self, text: str) -> bytes:
        """The JSON of a first question, whose user's turn is this text."""
        return _with(self._first, text)

    @property
    def max_tokens(self) -> int:
        """Of a reply."""
        return int(self.provider.arguments["max_tokens"])

    @cached_property
    def _first(self) -> tuple[bytes, bytes]:
        return self._around([self.prompt.system, _PLACE])

    @cached_property
    def _again(self) -> tuple[bytes, bytes]:
        return self._around([self.prompt.system, _PLACE, ask_again("")])

    def _around(self, turns: Sequence[str]) -> tuple[bytes, bytes]:
        body = _written(self.provider, turns)
        before, _, after = body.partition(json.dumps(_PLACE).encode())
        return before, after


def _with(around: tuple[bytes, bytes], text: str) -> bytes:
    before, after = around
    return before + json.dumps(text, ensure_ascii=False).encode() + after


def _written(provider: InstructorProvider, turns: Sequence[str]) -> bytes:
    """What the libraries would send for these turns, taken from them before it leaves."""
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415
    import instructor  # noqa: PLC0415

    written: list[bytes] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        written.append(request.content)
        return httpx2.Response(HTTPStatus.NO_CONTENT)

    with anthropic.Anthropic(
        api_key="none",
        max_retries=0,
        timeout=_NEVER_WAITED_S,
        http_client=httpx2.Client(transport=httpx2.MockTransport(keep)),
        open_telemetry=False,
    ) as library:
        asks = instructor.from_anthropic(library, mode=provider.client.mode)
        try:
            with hushed():
                asks.create(**provider.asking(turns))
        except Exception:
            if not written:
                raise
    return written[0]
