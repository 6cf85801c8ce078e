"""How labels, counts and times are put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kclassify.core.marks import with_few_marks

if TYPE_CHECKING:
    from kclassify.core.spending import Charge

ARROW = "→"
NO_LABEL = "(none)"
RESUMABLE = "the run can be resumed: run the same command again"


def shown(text: object) -> str:
    """One line of a text of unknown origin: nothing in it can move a terminal's cursor."""
    said = with_few_marks(str(text))
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in said)


def label(value: str | None) -> str:
    """A label, or a word for none."""
    return NO_LABEL if value is None else shown(value)


def transition(before: str | None, after: str) -> str:
    """`convention → playbook`."""
    return f"{label(before)} {ARROW} {label(after)}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 item`, `2,000 items`."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def verb(count: int, one: str, many: str) -> str:
    """`keeps` for one, `keep` for more."""
    return one if count == 1 else many


def counts(numbers: Mapping[Any, int]) -> str:
    """`refused 3, timed out 1`, the most frequent first."""
    ordered = sorted(numbers.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return ", ".join(f"{shown(name)} {count:,}" for name, count in ordered)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds <= 90:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def cost_of(charge: Charge) -> str:
    """The dollars of a charge; `unknown`, or `more than` some, where prices are not known."""
    from kclassify.core.dollars import dollars  # `--help` tells no cost

    if not charge.unpriced:
        return dollars(charge.cost)
    return f"more than {dollars(charge.cost)}" if charge.cost else "unknown"


def without_price(models: Sequence[str]) -> str:
    """` (no price for a/b)`, after a cost that is not known; nothing for no models."""
    return f" (no price for {shown('; '.join(models))})" if models else ""


def cut(text: str, most: int) -> str:
    """Its first so many characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
