"""What it takes to start, beside Typer: seconds of processor of whole processes, in turns."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio

ROUNDS = 15
ONE_COMMAND = """
import typer
app = typer.Typer()
@app.command()
def greet(name: str = "you") -> None: ...
app()
"""
TWO_COMMANDS = """
import typer
app = typer.Typer()
@app.callback()
def before(config: str | None = None) -> None: ...
@app.command()
def status(run: str | None = None, limit: int = 3) -> None: ...
@app.command()
def audit(run: str | None = None) -> None: ...
app()
"""


@dataclass(frozen=True)
class Case:
    """Both are given the same arguments."""

    subject: str
    program: str
    reference: str
    other: str
    arguments: tuple[str, ...] = ()
    at_most: float | None = None


MAIN = "from kclassify.cli import main\nmain()"
CASES = [
    Case("kclassify --help", MAIN, "a Typer app of five lines", ONE_COMMAND, ("--help",), 1.25),
    Case(
        "kclassify status --help",
        MAIN,
        "a Typer app of two commands",
        TWO_COMMANDS,
        ("status", "--help"),
        1.25,
    ),
    Case("import kclassify", "import kclassify", "import typer", "import typer", at_most=0.75),
    Case(
        "from kclassify import Classifier",
        "from kclassify import Classifier",
        "import pydantic.main, anyio",
        "import pydantic.main, anyio",
    ),
]


def seconds(folder: Path, *arguments: str) -> float:
    """Of the processor, that a Python with these arguments takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.mark.parametrize("case", CASES, ids=[case.subject for case in CASES])
def test_a_start_costs_what_a_small_program_costs(
    case: Case, tmp_path: Path, alternate: Alternate, record: Record
) -> None:
    found = alternate(
        lambda: seconds(tmp_path, "-c", case.program, *case.arguments),
        lambda: seconds(tmp_path, "-c", case.other, *case.arguments),
        ROUNDS,
    )
    ratio = Ratio(
        group="start",
        subject=case.subject,
        reference=case.reference,
        ratio=found.ratio,
        at_most=case.at_most,
        detail=f"{found.subject * 1000:.0f} and {found.reference * 1000:.0f} ms",
    )
    record(ratio)
