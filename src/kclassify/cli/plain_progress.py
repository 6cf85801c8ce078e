"""Progress as plain lines on standard error, for logs and pipes."""

from __future__ import annotations

import time
from collections.abc import Callable

from kclassify.cli.batch_course import batch_line
from kclassify.cli.course import Course
from kclassify.cli.wording import counts, duration, plural, transition
from kclassify.events import (
    BatchChanged,
    CallEnded,
    Checkpointed,
    Event,
    PassOpened,
    Snoozing,
    StepEnded,
    Stopping,
    Warned,
)

INTERVAL_S = 10.0
_SHOWN_TRANSITIONS = 3


class PlainProgress:
    """A line every ten seconds, and one for each thing of note."""

    def __init__(
        self,
        course: Course,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._course = course
        self._write = write
        self._clock = clock
        self._began = self._next = clock()

    def __call__(self, event: Event) -> None:
        """Bring the course up to date, and write a line when there is something to say."""
        self._course.take(event)
        match event:
            case PassOpened():
                self._open(event)
            case CallEnded() | Checkpointed() if self._clock() >= self._next:
                self._report()
            case BatchChanged():
                self._write(batch_line(event))
            case Snoozing():
                self._write(f"snoozing {duration(event.seconds)}: {event.reason}")
            case Stopping():
                flying = plural(event.in_flight, "call")
                self._write(f"stopping: {event.reason}; {flying} in flight may still land")
            case Warned():
                self._write(f"warning: {event.message}")
            case StepEnded():
                self._report()
            case _:
                pass

    def _open(self, event: PassOpened) -> None:
        self._began, self._next = self._clock(), self._clock() + INTERVAL_S
        of = "" if event.items is None else f", {plural(event.items, 'item')}"
        behind = f", {event.settled:,} settled before" if event.settled else ""
        self._write(f"{event.mode} of run {event.run!r} with {event.model}{of}{behind}")
        if event.override is not None:
            self._write(f"WRITING WITHOUT A GATE, override: {event.override}")
        if event.gate is not None:
            self._write(f"allowed by the gate record {event.gate[:12]}")

    def _report(self) -> None:
        self._next = self._clock() + INTERVAL_S
        course = self._course
        of = "" if course.items is None else f"/{course.items:,}"
        parts = [f"{course.completed:,}{of} items", self._pace()]
        top = course.transitions.most_common(_SHOWN_TRANSITIONS)
        parts.append(", ".join(f"{transition(*pair)} {rows:,}" for pair, rows in top))
        parts.append(counts(course.failures))
        if course.throttled:
            parts.append(f"{course.throttled:,} throttled, limit {course.limit} at once")
        parts.append(course.bill.told)
        self._write("; ".join(part for part in parts if part))

    def _pace(self) -> str:
        done, elapsed = self._course.completed - self._course.began_at, self._clock() - self._began
        if not done or elapsed <= 0:
            return ""
        rate = done / elapsed
        left = 0 if self._course.items is None else self._course.items - self._course.completed
        rest = f", {duration(left / rate)} left" if left > 0 else ""
        return f"{rate:,.1f}/s{rest}"
