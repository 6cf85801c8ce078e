"""The batches that a command heard of, gathered from its events."""

from __future__ import annotations

from dataclasses import dataclass, field

from kclassify.cli.wording import plural
from kclassify.core.batch import BatchStatus
from kclassify.events import BatchChanged, Event


@dataclass(slots=True)
class BatchCourse:
    """The latest that was heard of each batch."""

    latest: dict[str, BatchChanged] = field(default_factory=dict[str, BatchChanged])

    def take(self, event: Event) -> None:
        """Go on by one event."""
        if isinstance(event, BatchChanged):
            self.latest[event.remote_id] = event

    @property
    def in_flight(self) -> list[BatchChanged]:
        """Those that the provider has."""
        return [each for each in self.latest.values() if each.status is BatchStatus.SENT]

    @property
    def answered(self) -> int:
        """How many requests of all of them are answered."""
        return sum(each.answered for each in self.latest.values())

    @property
    def told(self) -> str:
        """How many are in flight; empty where none was ever sent."""
        if not self.latest:
            return ""
        flying = self.in_flight
        requests = sum(each.requests for each in flying)
        return f"{many(len(flying))} in flight ({plural(requests, 'request')})"

    @property
    def answers(self) -> str:
        """What came of them; empty where none was ever sent."""
        if not self.latest:
            return ""
        return f"{many(len(self.latest))}, {plural(self.answered, 'request')} answered"

    def facts(self) -> list[dict[str, object]]:
        """The same as data."""
        return [
            {
                "id": each.remote_id,
                "status": each.status.value,
                "requests": each.requests,
                "answered": each.answered,
                "again": each.again,
            }
            for each in self.latest.values()
        ]


def many(count: int) -> str:
    """`1 batch`, `2 batches`."""
    return plural(count, "batch", "batches")


def batch_line(event: BatchChanged) -> str:
    """What has become of a batch, on one line."""
    name, requests = event.remote_id, plural(event.requests, "request")
    if event.status is BatchStatus.SENT:
        return f"batch {name} is with the provider: {requests}"
    if event.status is BatchStatus.ENDED:
        return f"batch {name} has ended: its results are read"
    again = f", {event.again:,} to be asked again" if event.again else ""
    return f"batch {name}: {event.answered:,} of {requests} answered{again}"
