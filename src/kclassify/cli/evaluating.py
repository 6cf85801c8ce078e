"""Carries `kclassify eval` out, and says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import typer

from kclassify.cli.eval_progress import progress_to
from kclassify.cli.eval_report import say_evaluation, say_unfinished
from kclassify.cli.exit_status import INCOMPLETE, STALE
from kclassify.cli.exiting import record_status
from kclassify.cli.output import say, say_json
from kclassify.cli.wording import shown
from kclassify.evals.checking import Checked, check_record
from kclassify.evals.evaluate import Evaluated, Request, Unfinished, evaluate
from kclassify.evals.outputs import write_report
from kclassify.gate_file import write_record
from kclassify.report.json_text import render_json
from kclassify.report.junit import render_junit
from kclassify.report.markdown import render_markdown
from kclassify.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Files:
    """Where the report goes, besides standard output."""

    report: Path | None = None
    markdown: Path | None = None
    junit: Path | None = None


def carry_out_evaluation(request: Request, files: Files, *, as_json: bool, quiet: bool) -> int:
    """Evaluate, write the record and the report, print what was found; the exit status.

    Raises `UsageError` and `DatabaseError`.
    """
    with progress_to(request, quiet=quiet) as told:
        found = anyio.run(partial(evaluate, told))
    if isinstance(found, Unfinished):
        say_unfinished(found, as_json=as_json, replay_only=request.replay_only)
        return INCOMPLETE
    written = _write(found, files)
    if as_json:
        typer.echo(render_json(found.evaluation), nl=False)
    else:
        say_evaluation(found, written)
    return record_status(found.evaluation.gate)


def _write(found: Evaluated, files: Files) -> list[Path]:
    write_record(found.record, found.evaluation.gate)
    written: list[Path] = []
    if files.report is not None:
        written += write_report(files.report, found.evaluation)
    if files.markdown is not None:
        write_whole(files.markdown, render_markdown(found.evaluation))
        written.append(files.markdown)
    if files.junit is not None:
        write_whole(files.junit, render_junit(found.evaluation))
        written.append(files.junit)
    return written


def carry_out_check(request: Request, *, as_json: bool) -> int:
    """Say whether the gate record still holds; the exit status."""
    checked = check_record(request)
    status = STALE if checked.record is None or checked.problem else record_status(checked.record)
    if as_json:
        say_json(_facts(checked, status))
    elif checked.record is None or checked.problem:
        say(f"The gate record does not hold: {shown(checked.problem)}")
    else:
        say(f"{shown(checked.path)} is about this classifier and this sample.")
        say(shown(checked.record.sentence))
    return status


def _facts(checked: Checked, status: int) -> dict[str, object]:
    record = checked.record
    return {
        "record": str(checked.path),
        "holds": record is not None and not checked.problem,
        "problem": checked.problem or None,
        "verdict": None if record is None else record.verdict.value,
        "expires_at": None if record is None else record.expires_at.isoformat(),
        "exit_status": status,
    }
