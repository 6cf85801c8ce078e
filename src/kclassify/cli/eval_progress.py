"""Progress of an evaluation on standard error: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import typer

from kclassify.cli.plain_progress import INTERVAL_S
from kclassify.cli.wording import plural, shown
from kclassify.evals.asking_terms import Progress
from kclassify.evals.evaluate import Request, Teller
from kclassify.evals.stopping import GRACE_S


@contextmanager
def progress_to(request: Request, *, quiet: bool) -> Generator[Request]:
    """The request, with somebody to tell of progress."""
    if quiet:
        yield replace(request, stopping=_silent)
    elif sys.stderr.isatty():
        with _live() as tell:
            yield replace(request, tell=tell, stopping=_stopping)
    else:
        yield replace(request, tell=PlainTeller(_line), stopping=_stopping)


class PlainTeller:
    """A line every ten seconds, and one when all of a variant's questions are answered."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._next = clock() + INTERVAL_S
        self._ended: set[str] = set()

    def __call__(self, variant: str, progress: Progress) -> None:
        """Write a line when there is something to say."""
        is_end = progress.done >= progress.total
        if variant in self._ended if is_end else self._clock() < self._next:
            return
        if is_end:
            self._ended.add(variant)
        self._next = self._clock() + INTERVAL_S
        self._write(f"{variant}: {told(progress)}")


def told(progress: Progress) -> str:
    """`12 of 200 answers, 10 calls, 1 failure`."""
    parts = [f"{progress.done:,} of {plural(progress.total, 'answer')}"]
    parts.append(plural(progress.calls, "call"))
    if progress.failures:
        parts.append(plural(progress.failures, "failure"))
    return ", ".join(parts)


@contextmanager
def _live() -> Generator[Teller]:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID
    from rich.text import Text

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(variant: str, progress: Progress) -> None:
            if variant not in tasks:
                plain = Text(shown(variant)).markup
                tasks[variant] = bar.add_task(plain, total=progress.total)
            bar.update(tasks[variant], completed=progress.done)

        yield tell


def _silent(_: str) -> None:
    """Signals are heeded, and nobody is told."""


def _stopping(name: str) -> None:
    _line(f"stopping: {name} received; calls in flight may land within {GRACE_S:g} s")


def _line(text: str) -> None:
    typer.echo(f"kclassify: {shown(text)}", err=True)
