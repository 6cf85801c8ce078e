"""Spot checks in a JSON Lines file: `{"id": 42, "gold": "playbook"}`, a line a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kclassify.errors import SourceError
from kclassify.ports import SpotCheck
from kclassify.sources.records import Record, jsonl_records


class CanaryFile:
    """The checks in a file; implements `kclassify.ports.Canary`. It is read anew each time.

    A labelled sample is one, too: its rows have `id` and `gold`, and those not labelled yet are
    passed over. With `may_be_missing` a file that is not there holds no checks.
    """

    def __init__(self, path: Path | str, *, may_be_missing: bool = False) -> None:
        self.path = Path(path)
        self.may_be_missing = may_be_missing

    def checks(self) -> Iterator[SpotCheck]:
        """The checks. Raises `SourceError`, which names the line."""
        if self.may_be_missing and not self.path.exists():
            return
        for record in jsonl_records(self.path):
            check = self._check(record)
            if check is not None:
                yield check

    def _check(self, record: Record) -> SpotCheck | None:
        key, gold = record.fields.get("id"), record.fields.get("gold")
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise SourceError(
                f"{self.path}, line {record.line}: a spot check names its row as 'id', a text or "
                "an integer"
            )
        if gold is None:
            return None
        if not isinstance(gold, str):
            raise SourceError(f"{self.path}, line {record.line}: 'gold' is a label, or null")
        return SpotCheck(key, gold, f"{self.path}, line {record.line}")
