"""Asks an endpoint of Anthropic's beside that of messages, and lets nothing of its library out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio

from kclassify.classifier.batch_failure import endpoint_failed
from kclassify.classifier.noise import hushed
from kclassify.core.verdict import Outcome, OutcomeKind

if TYPE_CHECKING:
    import anthropic

    from kclassify.classifier.batch_failure import Endpoint
    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.classifier.redaction import Redaction
    from kclassify.core.decision import Halt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks over the connections of the event loop that it is in; `timeout_s` seconds a question."""

    connected: Callable[[], InstructorProvider]
    model: ChosenModel
    redaction: Redaction
    timeout_s: float

    async def ask(
        self,
        question: Callable[[anthropic.AsyncAnthropic], Awaitable[T]],
        endpoint: Endpoint,
        deadline_s: float | None = None,
    ) -> T | Outcome[str] | Halt:
        """The answer, or an outcome of availability, or why there will be none."""
        seconds = self.timeout_s if deadline_s is None else deadline_s
        try:
            with hushed(), anyio.move_on_after(seconds):
                return await question(self._library())
        except Exception as error:  # noqa: BLE001 - whatever a provider's library raises ends here
            return endpoint_failed(error, endpoint, self.model, self.redaction)
        return Outcome(OutcomeKind.TIMED_OUT, detail=f"no answer in {seconds:g} s")

    def _library(self) -> anthropic.AsyncAnthropic:
        library: anthropic.AsyncAnthropic = self.connected().client.client  # type: ignore[assignment]
        return library
