"""The columns beside the label that take what a change says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import isclose
from typing import TYPE_CHECKING, Any

from kclassify.sources.text import well_formed
from kclassify.writers.metadata import merged, restored, without_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.core.policy import Change

_SINGLE_PRECISION = 1e-6
_FEWEST_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraColumns:
    """Names of columns; None leaves one out.

    `reclassified_from` takes the label from before, `confidence` the model's. `metadata` holds a
    JSON object (JSON, JSONB or text) and gets both as members, `reclassified_from` and
    `reclassified_confidence`; a row whose metadata is something else is a conflict.
    """

    reclassified_from: str | None = None
    confidence: str | None = None
    metadata: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns there are."""
        given = (self.reclassified_from, self.confidence, self.metadata)
        return tuple(name for name in given if name is not None)

    def written(self, now: Mapping[str, Any], change: Change) -> dict[str, Any] | None:
        """The values to write with a change; None when the row cannot take or give back any."""
        if not all(_can_be_kept(value) for value in now.values()):
            return None
        values: dict[str, Any] = {}
        if self.reclassified_from is not None:
            values[self.reclassified_from] = change.before
        if self.confidence is not None:
            values[self.confidence] = change.confidence
        if self.metadata is not None:
            values[self.metadata] = merged(now[self.metadata], change)
            if values[self.metadata] is None:
                return None
        return values

    def reverted(
        self, now: Mapping[str, Any], before: Mapping[str, Any], change: Change
    ) -> dict[str, Any] | None:
        """The values to put back; None when one that others wrote since cannot be given back.

        A column keeps what others wrote since. One of which `before` knows nothing is cleared of
        ours.
        """
        values = dict(now)
        name = self.reclassified_from
        if name is not None and now[name] == change.before:
            values[name] = before.get(name)
        name = self.confidence
        if name is not None and _is_same_number(now[name], change.confidence):
            values[name] = before.get(name)
        name = self.metadata
        if name is not None:
            known = name in before
            values[name] = restored(now[name], before[name]) if known else without_ours(now[name])
        return values if all(_can_be_kept(value) for value in values.values()) else None


def _is_same_number(stored: object, written: float) -> bool:
    """Whether a column holds this number, as exactly as its type can."""
    try:
        number = Decimal(str(stored))
        if isclose(number, written, rel_tol=_SINGLE_PRECISION):
            return True
        digits = max(_FEWEST_DIGITS, -int(number.as_tuple().exponent))
        return number == Decimal(repr(written)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    except (ArithmeticError, ValueError):
        return False


def _can_be_kept(value: object) -> bool:
    # SQLite lets anything into any column; the audit keeps JSON.
    if isinstance(value, str):
        return well_formed(value) == value
    return value is None or isinstance(value, int | float)
