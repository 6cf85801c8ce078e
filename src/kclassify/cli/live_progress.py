"""Progress on a terminal: a bar, and below it what has happened so far."""

from __future__ import annotations

from threading import Lock
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from kclassify.cli.course import Course
from kclassify.cli.wording import counts, duration, label, plural, shown, transition
from kclassify.events import Event, PassOpened

_SHOWN_TRANSITIONS = 6
_REFRESHES_PER_S = 8


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Items a second, over the last half minute."""
        return Text(f"{task.speed:,.1f}/s" if task.speed else "–/s", style="cyan")  # noqa: RUF001


class LiveProgress:
    """A listener and a context manager: the display lives as long as the context."""

    def __init__(self, course: Course, console: Console) -> None:
        self._course = course
        self._lock = Lock()  # the display is drawn by a thread of its own
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task("looking at the source", total=None)
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=_REFRESHES_PER_S,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Bring course and bar up to date; the display refreshes itself."""
        with self._lock:
            self._course.take(event)
            self._move_bar(restart=isinstance(event, PassOpened))

    def _move_bar(self, *, restart: bool) -> None:
        course = self._course
        if restart:  # what was settled before is no part of the rate
            self._bar.reset(self._task, total=course.items, completed=course.began_at)
        self._bar.update(
            self._task, description=course.mode, total=course.items, completed=course.completed
        )

    def _render(self) -> RenderableType:
        with self._lock:
            return Group(self._bar, *self._lines())

    def _lines(self) -> list[Text]:
        course = self._course
        lines: list[Text] = []
        if course.override is not None:
            said = f" WRITING WITHOUT A GATE, override: {shown(course.override)} "
            lines.append(Text(said, style="bold white on red"))
        lines.append(Text(self._state(), style="dim"))
        for pair, rows in course.transitions.most_common(_SHOWN_TRANSITIONS):
            lines.append(Text(f"  {rows:>9,}  {transition(*pair)}"))
        if course.failures:
            lines.append(Text(f"  left unchanged: {counts(course.failures)}", style="yellow"))
        return [*lines, *self._notices()]

    def _state(self) -> str:
        course = self._course
        bound = "" if course.limit is None else f" (limit {course.limit})"
        flying = f"{course.in_flight} in flight{bound}"
        parts = [label(course.model), flying, plural(course.calls, "call")]
        if course.throttled:
            parts.append(f"{course.throttled:,} throttled")
        if course.recalled:
            parts.append(f"{course.recalled:,} recalled")
        if course.snoozes:
            parts.append(plural(course.snoozes, "snooze"))
        parts += [part for part in (course.batches.told, course.bill.told) if part]
        return "  " + ", ".join(parts)

    def _notices(self) -> list[Text]:
        snooze, stop = self._course.snoozing, self._course.stopping
        lines = [
            Text(f"  warning: {shown(message)}", style="bold yellow")
            for message in self._course.warnings
        ]
        if snooze is not None:
            said = f"  snoozing {duration(snooze.seconds)}: {shown(snooze.reason)}"
            lines.append(Text(said, style="bold yellow"))
        if stop is not None:
            said = f"  stopping: {shown(stop.reason)} (once more to cancel what is in flight)"
            lines.append(Text(said, style="bold yellow"))
        return lines
