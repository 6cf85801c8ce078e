"""Estimates with their bounds as places on a strip, in percent of its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from kclassify.core.evaluation import ClassScores, Impact, Noise
from kclassify.core.metrics import Interval
from kclassify.report.numbers import rounded, rows_between, signed

_AXES = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Strip:
    """Where an interval lies on a strip, in percent of its width. `start` is the place of zero."""

    low: float
    point: float
    high: float
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """A line of better, worse, neutral and net."""

    kind: str
    words: str
    estimate: str
    bounds: str
    strip: Strip


def strip(interval: Interval, least: float = 0.0, most: float = 1.0) -> Strip:
    """The interval on a strip from `least` to `most`."""
    places = (_place(value, least, most) for value in (interval.low, interval.estimate))
    low, point = places
    return Strip(
        low,
        point,
        _place(interval.high, least, most),
        0.0 if least >= 0 else _place(0, least, most),
    )


def forest(classes: Sequence[ClassScores]) -> list[ClassScores]:
    """The categories that occur, those that the most rows are wrong about first."""
    found = [each for each in classes if each.gold or each.predicted]
    return sorted(found, key=lambda each: (-_wrong(each), each.label))


def axis_start(intervals: Sequence[Interval | None]) -> float:
    """The tenth under all of these, so that the strips are not empty where nothing is."""
    lows = [each.low for each in intervals if each is not None]
    return max(0.0, floor(min(lows, default=0.0) * 10) / 10)


def impact_rows(impact: Impact) -> list[ImpactRow]:
    """Better, worse, neutral and net on one axis of rows."""
    told = [
        ("good", "become right", impact.better),
        ("bad", "were right and become wrong", impact.worse),
        ("plain", "stay wrong", impact.neutral),
        ("net", "net: better less worse", impact.net),
    ]
    least = min(0.0, *(each.low for _, _, each in told))
    most = max(1.0, *(each.high for _, _, each in told))
    return [
        ImpactRow(
            kind,
            words,
            signed(each.estimate) if kind == "net" else rounded(each.estimate),
            rows_between(each),
            strip(each, least, most),
        )
        for kind, words, each in told
    ]


def noise_axis(noises: Sequence[Noise]) -> float:
    """The end of an axis that shows all of these."""
    highest = max(each.changed.high for each in noises)
    return next((end for end in _AXES if highest <= end), 1.0)


def _wrong(each: ClassScores) -> int:
    """The rows wrongly put into the category, and those wrongly left out."""
    precision = 1.0 if each.precision is None else each.precision.estimate
    recall = 1.0 if each.recall is None else each.recall.estimate
    return round(each.predicted * (1 - precision) + each.gold * (1 - recall))


def _place(value: float, least: float, most: float) -> float:
    return round(100 * min(1.0, max(0.0, (value - least) / (most - least))), 2)
