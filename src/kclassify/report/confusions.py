"""The confusion matrix as a grid that can be looked at, however many categories there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.metrics import ConfusionMatrix
from kclassify.report.numbers import whole
from kclassify.report.palette import heat_level

MOST_SHOWN, MOST_ON_NARROW = 12, 5
_MOST_PAIRS = 12
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its weight in words, the name of its colour, and the share of its row."""

    text: str
    heat: str
    share: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix folded to the labels that are confused most; `folded` others are the last line."""

    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[str, ...]
    folded: int


@dataclass(frozen=True, slots=True)
class Confused:
    """A pair of labels: what it is, what was said, how much of that there is."""

    gold: str
    predicted: str
    weight: float
    share: float


def grid(matrix: ConfusionMatrix, most: int = MOST_SHOWN) -> Grid:
    """The matrix, folded when it has more than `most` labels."""
    known = [
        label
        for label in matrix.labels
        if matrix.gold_totals[label] or matrix.predicted_totals[label]
    ]
    shown = known if len(known) <= most else _most_confused(matrix, known, most)
    folded = [label for label in known if label not in shown]
    groups = [[label] for label in shown] + ([folded] if folded else [])
    places = {label: place for place, label in enumerate(matrix.labels)}
    counts = [[_weight(matrix, places, gold, said) for said in groups] for gold in groups]
    names = (*shown, *([f"{len(folded)} others"] if folded else []))
    return Grid(
        names,
        tuple(_row(place, row, is_folded=place >= len(shown)) for place, row in enumerate(counts)),
        tuple(whole(sum(row)) for row in counts),
        len(folded),
    )


def is_scaled(matrix: ConfusionMatrix, answered: int) -> bool:
    """Whether its counts are weights, and not the labelled rows that were answered."""
    counts = [count for row in matrix.counts for count in row]
    return abs(sum(counts) - answered) > _SLACK or any(
        abs(count - round(count)) > _SLACK for count in counts
    )


def confused(matrix: ConfusionMatrix) -> list[Confused]:
    """The pairs that are confused most, the heaviest first."""
    found = [
        Confused(gold, said, weight, weight / matrix.gold_totals[gold])
        for gold, row in zip(matrix.labels, matrix.counts, strict=True)
        for said, weight in zip(matrix.labels, row, strict=True)
        if gold != said and weight
    ]
    return sorted(found, key=lambda each: (-each.weight, each.gold, each.predicted))[:_MOST_PAIRS]


def _most_confused(matrix: ConfusionMatrix, known: Sequence[str], most: int) -> list[str]:
    wrong: Counter[str] = Counter()
    for gold, row in zip(matrix.labels, matrix.counts, strict=True):
        for said, weight in zip(matrix.labels, row, strict=True):
            if gold != said and weight:
                wrong[gold] += weight  # type: ignore[assignment] # a Counter adds any number
                wrong[said] += weight  # type: ignore[assignment]
    chosen = sorted(known, key=lambda label: -wrong[label])[:most]
    return [label for label in known if label in chosen]


def _weight(
    matrix: ConfusionMatrix, places: dict[str, int], gold: Sequence[str], said: Sequence[str]
) -> float:
    return sum(matrix.counts[places[one]][places[other]] for one in gold for other in said)


def _row(place: int, row: Sequence[float], *, is_folded: bool) -> tuple[Cell, ...]:
    total = sum(row)
    return tuple(
        _cell(weight, total, is_right=place == column, is_folded=is_folded and place == column)
        for column, weight in enumerate(row)
    )


def _cell(weight: float, total: float, *, is_right: bool, is_folded: bool) -> Cell:
    share = weight / total if total else 0.0
    level = heat_level(share)
    hue = "good" if is_right else "bad"
    heat = "" if not level or is_folded else f"{hue}-{level}"
    return Cell(whole(weight) if weight else "", heat, share)
