"""`gate.json` and the sample beside it, as files: read before a commit, written by an evaluation.

Reading needs no extra: who commits may have no evaluation installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from kclassify.core.gate import GATE_VERSION, Evidence, GateRecord, record_digest, text_digest
from kclassify.core.gate_record import sealed
from kclassify.errors import UsageError
from kclassify.whole_file import write_whole

_AGAIN = "`kclassify eval` writes one"


class GateFile:
    """The record in a file; implements `kclassify.ports.Gate`. It is read anew each time."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def read(self) -> Evidence:
        """The record and the digest of its sample as it is now.

        Whatever is wrong with the record's file is a `problem`, no error; the sample that cannot be
        read has no digest.
        """
        try:
            record = read_record(self.path)
        except UsageError as error:
            return Evidence(None, problem=str(error), place=str(self.path))
        sample = self.path.parent / record.sample.path
        return Evidence(record, _digest_of(sample), place=str(self.path))


def read_record(path: Path) -> GateRecord:
    """The record in a file. Raises `UsageError`, which names the file and says what is wrong."""
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such gate record: {_AGAIN}") from None
    except OSError as error:
        raise UsageError(f"{path}: the gate record cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: not a gate record, which is JSON: {_AGAIN}") from None
    version: Any = cast("Any", content).get("version") if isinstance(content, dict) else None
    if type(version) is not int or version != GATE_VERSION:
        raise UsageError(
            f"{path}: a gate record of version {version!r:.20}, and this kclassify knows "
            f"{GATE_VERSION}: evaluate again with `kclassify eval`"
        )
    try:
        record = GateRecord.model_validate(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UsageError(f"{path}: not a gate record, see {where!r} in it: {_AGAIN}") from None
    if record.seal != record_digest(record):
        raise UsageError(
            f"{path}: it was changed after it was written: evaluate again with `kclassify eval`"
        )
    return record


def write_record(path: Path, record: GateRecord) -> None:
    """Write the record, whole or not at all, in place of one that is there. Raises `UsageError`.

    It is sealed, so that a later change by hand is noticed; whoever forges one can seal it, too.
    """
    write_whole(path, sealed(record).model_dump_json(indent=2) + "\n")


def _digest_of(sample: Path) -> str | None:
    try:
        return text_digest(sample.read_bytes().decode("utf-8", "replace"))
    except (OSError, ValueError):  # a path may hold a NUL
        return None
