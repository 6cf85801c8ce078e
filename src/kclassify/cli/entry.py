"""Runs a command, and turns what it raises into one line and an exit status."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence

import typer

from kclassify.cli.app import app
from kclassify.cli.exit_status import CLOSED_PIPE, DEFECT, FAILED, INTERRUPTED, USAGE
from kclassify.cli.wording import RESUMABLE, shown
from kclassify.errors import DatabaseError, KclassifyError, UsageError

_OF_THE_MACHINE = {errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments ask for, and exit with its status.

    They are those of the process unless they are given.
    """
    try:
        app(None if arguments is None else list(arguments), prog_name="kclassify")
    except UsageError as error:
        _end(str(error), USAGE)
    except DatabaseError as error:
        _end("; ".join([str(error), *getattr(error, "__notes__", [])]), FAILED)
    except KclassifyError as error:
        _end(str(error), FAILED)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end(f"interrupted; {RESUMABLE}", INTERRUPTED)
        if isinstance(end.__context__, BrokenPipeError):  # Typer makes it a 1, which is a verdict
            sys.exit(CLOSED_PIPE)
        raise
    except OSError as error:
        _end_of_machine(error)
    except Exception:  # noqa: BLE001 - a defect of ours, shown as Python would show it
        _end_of_defect()


def _end_of_machine(error: OSError) -> None:
    """A full disk or a folder that cannot be written is no defect of ours."""
    if error.errno not in _OF_THE_MACHINE:
        _end_of_defect()
    _give_output_up()
    _end(f"{error.filename or 'output'}: {error.strerror}", FAILED)


def _give_output_up() -> None:
    """What could not be printed would be tried once more at the very end, and change the status."""
    own = sys.__stdout__
    if own is not None and sys.stdout is own:
        os.dup2(os.open(os.devnull, os.O_WRONLY), own.fileno())


def _end_of_defect() -> None:
    traceback.print_exc()
    sys.exit(DEFECT)


def _end(message: str, status: int) -> None:
    typer.echo(f"kclassify: {shown(' '.join(message.split()))}", err=True)
    sys.exit(status)
