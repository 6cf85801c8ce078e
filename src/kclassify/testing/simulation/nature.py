"""What the simulated provider makes of an item, whatever the weather."""

from __future__ import annotations

from enum import StrEnum

from kclassify.core.verdict import OutcomeKind


class Nature(StrEnum):
    """An item's own trouble, if it has any."""

    FINE = "fine"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    STRANGE_LABEL = "strange label"
    REJECTED = "rejected"
    TOO_LONG = "too long"
    EMPTY = "empty"
    HANGS = "hangs"
    BREAKS = "breaks"

    @property
    def kinds(self) -> frozenset[OutcomeKind]:
        """How such an item may end."""
        return _KINDS[self]

    @property
    def is_poisonous(self) -> bool:
        """Whether no call for it is ever answered."""
        return self in {Nature.HANGS, Nature.BREAKS}


_KINDS = {
    Nature.FINE: frozenset({OutcomeKind.JUDGED}),
    Nature.ABSTAINED: frozenset({OutcomeKind.ABSTAINED}),
    Nature.REFUSED: frozenset({OutcomeKind.REFUSED}),
    Nature.TRUNCATED: frozenset({OutcomeKind.TRUNCATED}),
    Nature.STRANGE_LABEL: frozenset({OutcomeKind.INVALID}),
    Nature.REJECTED: frozenset({OutcomeKind.REJECTED}),
    Nature.TOO_LONG: frozenset({OutcomeKind.TOO_LONG}),
    Nature.EMPTY: frozenset({OutcomeKind.EMPTY}),
    Nature.HANGS: frozenset({OutcomeKind.TIMED_OUT}),
    Nature.BREAKS: frozenset({OutcomeKind.UNAVAILABLE}),
}
