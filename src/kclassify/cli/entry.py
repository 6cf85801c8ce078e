"""Runs a command, and turns what it raises into one line and an exit status."""

from __future__ import annotations

import sys
import traceback

import typer

from kclassify.cli.app import app
from kclassify.cli.exit_status import DEFECT, FAILED, INTERRUPTED, USAGE
from kclassify.errors import DatabaseError, KclassifyError, UsageError

RESUMABLE = "the run can be resumed: run the same command again"


def main() -> None:
    """Run the command that the arguments of the process ask for, and exit with its status."""
    try:
        app(prog_name="kclassify")
    except UsageError as error:
        _end(str(error), USAGE)
    except DatabaseError as error:
        _end(f"{error}; {RESUMABLE}", FAILED)
    except KclassifyError as error:
        _end(str(error), FAILED)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end(f"interrupted; {RESUMABLE}", INTERRUPTED)
        raise
    except Exception:  # noqa: BLE001 - a defect of ours, shown as Python would show it
        traceback.print_exc()
        sys.exit(DEFECT)


def _end(message: str, status: int) -> None:
    typer.echo(f"kclassify: {' '.join(message.split())}", err=True)
    sys.exit(status)
