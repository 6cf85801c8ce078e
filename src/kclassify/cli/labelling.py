"""Serves the page for labelling until somebody stops it."""

from __future__ import annotations

import signal
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import typer

from kclassify.cli.output import say, say_json
from kclassify.cli.wording import plural, shown, verb
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.labelling.session import Session, Tally, checked_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is labelled, with which categories, and how the page is opened."""

    path: Path
    taxonomy: Path
    by: str | None
    port: int
    opens_browser: bool


def carry_out_label(page: Page, *, as_json: bool) -> None:
    """Serve the page until SIGINT or SIGTERM, then tell how far the sample is.

    Raises `UsageError` for a file, a name or a port that cannot be used.
    """
    taxonomy = read_taxonomy(page.taxonomy)
    by = "" if page.by is None else checked_name(page.by)
    session = Session(page.path, taxonomy.labels)
    with (
        _until_a_signal() as stopped,
        LabelServer(session, taxonomy.active, by=by, port=page.port) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, name="label page")
        thread.start()
        try:
            _announce(page, server.url, as_json=as_json)
            stopped.wait()
        finally:  # what was sent before is stored, wholly or not at all
            server.shutdown()
            thread.join()
    _report(page.path, session.tally(), as_json=as_json)


def _announce(page: Page, url: str, *, as_json: bool) -> None:
    typer.echo(f"Label at {url}", err=as_json)
    typer.echo("Every label is stored at once. Ctrl-C ends it.", err=True)
    if page.opens_browser:
        webbrowser.open(url)


@contextmanager
def _until_a_signal() -> Generator[threading.Event]:
    """What is set by SIGINT and SIGTERM, which do nothing else meanwhile."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.set()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _report(path: Path, tally: Tally, *, as_json: bool) -> None:
    if as_json:
        say_json({"sample": str(path), **asdict(tally)})
        return
    say(
        f"{tally.labelled:,} of {plural(tally.rows, 'row')} of {shown(path)} "
        f"{verb(tally.labelled, 'has', 'have')} a label, {tally.by_two:,} by two people or more"
    )
    if tally.contested:
        waiting = f"{plural(tally.contested, 'row')} {verb(tally.contested, 'waits', 'wait')}"
        say(f"{waiting} for a third person, since two disagree")
    if tally.labelled:
        say("Next: `kclassify eval`")
