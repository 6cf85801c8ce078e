"""A `Telemetry` on the real SDK, and what its exporters got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.events import CallEnded, Event, PassOpened
from kclassify.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_800_000_000_000_000_000
A_SECOND = 1_000_000_000
OPENED = PassOpened("r", "dry-run", 3, 100, 7, "anthropic/claude-haiku-4-5")
MODEL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-haiku-4-5",
}
RUN = {"kclassify.run": "r", "kclassify.mode": "dry-run"}
USAGE = Usage(100, 20, 300, 600)


def call(kind: OutcomeKind | None = OutcomeKind.JUDGED, usage: Usage = USAGE) -> CallEnded:
    return CallEnded(kind, 0.5, usage, 4, probe=False, cost=2_500_000)


class Heard:
    """Telemetry that is told of events, a second apart from `NOW` on."""

    def __init__(self, *events: Event) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.now = NOW
        self.telemetry = Telemetry(
            self.tracers, MeterProvider(metric_readers=[self.reader]), now=lambda: self.now
        )
        self.tell(*events)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.telemetry(event)
            self.now += A_SECOND

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that are over, in the order of their ends."""
        return list(self.exporter.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        """The data points of a metric."""
        return [point for metric, point in self._points() if metric == name]

    def values(self, name: str, attribute: str) -> dict[Any, float]:
        """The sums of a counter by this attribute."""
        return {each.attributes.get(attribute): each.value for each in self.points(name)}

    def total(self, name: str) -> float:
        """The sum of a counter."""
        return sum((float(each.value) for each in self.points(name)), 0.0)

    def _points(self) -> Iterator[tuple[str, Any]]:
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                assert scope.scope.name == "kclassify"
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        yield metric.name, point
