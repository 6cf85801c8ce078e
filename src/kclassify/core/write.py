"""A change on its way to a writer, and the writer's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kclassify.core.policy import Change


class WriteResult(StrEnum):
    """What became of one change."""

    WRITTEN = "written"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Write:
    """A change on its way to a writer.

    `idempotency_key` is the same each time the same write is tried. `redo` says that an earlier try
    may have arrived: finding the new label already there is then success, not a conflict. `extra`
    holds what the row's extra columns held before: the receipt of a write has it, a rollback hands
    it back.
    """

    change: Change
    idempotency_key: str
    redo: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Receipt:
    """A writer's answer for one write: its result, and what it replaced in extra columns (JSON)."""

    result: WriteResult
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
