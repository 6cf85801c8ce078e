"""Which display of progress is used: live on a terminal, plain lines elsewhere, or none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from kclassify.cli.course import Course
from kclassify.cli.looking import looking
from kclassify.cli.plain_progress import PlainProgress
from kclassify.cli.wording import shown
from kclassify.events import Event, Listener, Warned


@contextmanager
def showing(course: Course, *, quiet: bool) -> Generator[Listener]:
    """A listener that keeps `course` up to date and shows it on standard error."""
    if quiet:
        yield _Warnings(course)
    elif sys.stderr.isatty():
        from rich.console import Console

        from kclassify.cli.live_progress import LiveProgress

        with LiveProgress(course, Console(stderr=True)) as display:
            yield display
    else:
        with looking(line) as over:
            yield _FirstHeard(PlainProgress(course, line), over)


@dataclass(frozen=True, slots=True)
class _Warnings:
    """No progress: only what somebody should read."""

    course: Course

    def __call__(self, event: Event) -> None:
        self.course.take(event)
        if isinstance(event, Warned):
            line(f"warning: {event.message}")


@dataclass(frozen=True, slots=True)
class _FirstHeard:
    """Whatever happens first comes after the look at the source."""

    listener: Listener
    over: Callable[[], None]

    def __call__(self, event: Event) -> None:
        self.over()
        self.listener(event)


def line(text: str) -> None:
    """Say something on standard error."""
    typer.echo(f"kclassify: {shown(text)}", err=True)
