"""The spans of a run: one a step, and in it one a call."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from kclassify.core.decision import Decision, Halt
from kclassify.events import CallEnded, PassOpened
from kclassify.telemetry.attributes import (
    HALT,
    OPERATION,
    Attributes,
    decided,
    dollars,
    of_error,
    of_model,
    of_run,
    of_usage,
    word,
)

_A_SECOND = 1_000_000_000


class Spans:
    """Begins and ends spans; `now` gives Unix time in nanoseconds.

    A step begins within whatever span is current then, and is the current one until it ends: spans
    that a provider's library makes are in it, too. Its calls are told of as they end, so they begin
    in the past.
    """

    def __init__(self, tracer: Tracer, now: Callable[[], int]) -> None:
        self._tracer = tracer
        self._now = now
        self._step: Span | None = None
        self._before = Context()

    def begin_step(self, opened: PassOpened) -> None:
        """A step begins; one before it that has told of no end is over."""
        self._end()
        about: Attributes = {
            "kclassify.pass": opened.number,
            "kclassify.settled": opened.settled,
        }
        self._step = self._tracer.start_span(
            f"kclassify {word(opened.mode)}",
            attributes=of_run(opened) | of_model(opened.model) | about,
            start_time=self._now(),
        )
        self._before = get_current()
        attach(set_span_in_context(self._step))

    def call(self, call: CallEnded, model: Attributes) -> None:
        """A call came back: its span is over."""
        end = self._now()
        span = self._tracer.start_span(
            f"{OPERATION} {model['gen_ai.request.model']}",
            context=None if self._step is None else set_span_in_context(self._step),
            kind=SpanKind.CLIENT,
            attributes=model | of_usage(call.usage) | _spent(call) | of_error(call),
            start_time=end - round(call.seconds * _A_SECOND),
        )
        if of_error(call):
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def add_event(self, name: str, about: Attributes) -> None:
        """Something happened in this step."""
        if self._step is not None:
            self._step.add_event(f"kclassify.{name}", about, self._now())

    def end_step(self, decision: Decision) -> None:
        """The step is over; nothing where none began, as another worker has the run."""
        if self._step is not None:
            self._step.set_attribute("kclassify.decision", decided(decision))
            if isinstance(decision, Halt):
                self._step.set_attribute("error.type", HALT)
                self._step.set_status(StatusCode.ERROR)
        self._end()

    def fail_step(self, error: str) -> None:
        """The step raised an exception of this type."""
        if self._step is not None:
            self._step.set_attribute("error.type", error)
            self._step.set_status(StatusCode.ERROR)
        self._end()

    def _end(self) -> None:
        if self._step is not None:
            self._step.end(self._now())
            self._step = None
            # A token cannot be given back from another task, and a step may end in one.
            attach(self._before)


def _spent(call: CallEnded) -> Attributes:
    about: Attributes = {"kclassify.probe": call.probe}
    if call.cost is not None:
        about["kclassify.cost"] = dollars(call.cost)
    if call.uncertain:
        about["kclassify.cost.uncertain"] = dollars(call.uncertain)
    return about
