"""Listens to the events of a run, and tells OpenTelemetry of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry import metrics, trace

from kclassify.core.decision import Snooze
from kclassify.events import (
    BatchChanged,
    CallEnded,
    Checkpointed,
    ConcurrencyChanged,
    Event,
    PassOpened,
    Snoozing,
    StepEnded,
    StepFailed,
)
from kclassify.telemetry.attributes import Attributes, of_model, of_run
from kclassify.telemetry.instruments import Instruments
from kclassify.telemetry.spans import Spans

NAME = "kclassify"
"""Of the instrumentation scope."""


class Telemetry:
    """A listener for the events of one runner: spans of its steps and calls, and metrics.

    The providers are the application's global ones where none are given; without an SDK they do
    nothing. `now` gives Unix time in nanoseconds.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        *,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._spans = Spans(trace.get_tracer(NAME, tracer_provider=tracer_provider), now)
        self._instruments = Instruments(metrics.get_meter(NAME, meter_provider=meter_provider))
        self._run: Attributes = {}
        self._model: Attributes = of_model("unknown")

    def __call__(self, event: Event) -> None:
        """Tell of an event."""
        match event:
            case PassOpened():
                self._run, self._model = of_run(event), of_model(event.model)
                self._spans.begin_step(event)
            case CallEnded():
                self._spans.call(event, self._model)
                self._instruments.call(event, self._run, self._model)
            case Checkpointed():
                self._instruments.checkpoint(event, self._run)
            case StepEnded():
                self._end(event)
            case StepFailed():
                self._instruments.in_flight(0, self._run)
                self._spans.fail_step(event.error)
            case _:
                self._happened(event)

    def _happened(self, event: Event) -> None:
        match event:
            case BatchChanged():
                about: Attributes = {"id": event.remote_id, "status": event.status.value}
                self._spans.add_event("batch", about | {"requests": event.requests})
                self._instruments.batch(event, self._run, self._model)
            case Snoozing():
                self._spans.add_event("snooze", {"seconds": event.seconds})
                self._instruments.snooze(self._run)
            case ConcurrencyChanged():
                self._spans.add_event("concurrency", {"limit": event.limit})
            case _:
                pass

    def _end(self, event: StepEnded) -> None:
        if isinstance(event.decision, Snooze):
            self._instruments.snooze(self._run)
        self._instruments.in_flight(0, self._run)
        self._spans.end_step(event.decision)
