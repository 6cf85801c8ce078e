"""Rows of samples, and a pass to draw them from, without a database."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kclassify.core.item import Item
from kclassify.core.policy import Action
from kclassify.core.verdict import OutcomeKind
from kclassify.evals.draw import Drawn, Order, draw
from kclassify.evals.labelled import Frame
from kclassify.evals.population import JudgedPopulation
from kclassify.ports import Mode, Survey
from kclassify.store.judged_rows import Judged, JudgedRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kclassify.core.item import Key
    from kclassify.evals.labelled import LabelledItem


def line(number: int, **values: Any) -> dict[str, Any]:
    """A row of a sample, as its file has it."""
    text = f"text number {number} about {'abcdefgh'[number % 8] * 5}"
    return {"id": f"kb-{number}", "body": text, "gold": "playbook", **values}


def save_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
    path.write_text(text, encoding="utf-8")
    return path


@dataclass
class ListSource:
    """Items in a list, in the order of the list."""

    items: list[Item]
    description: str = "a list"

    def survey(self, known: Collection[str]) -> Survey:
        return Survey(len(self.items), ())

    def page(self, after: Key | None, limit: int) -> Sequence[Item]:
        keys = [item.key for item in self.items]
        start = 0 if after is None else keys.index(after) + 1
        return self.items[start : start + limit]

    def close(self) -> None: ...


@dataclass
class ListPass:
    """A pass in a list. Stands in for `JudgedPass`, which reads a database."""

    rows: list[JudgedRow]
    mode: Mode = Mode.DRY_RUN
    number: int = 1
    fingerprint: str = "f" * 64
    model: str = "m"
    asked: list[Key] = field(default_factory=list)

    def __iter__(self) -> Iterator[JudgedRow]:
        return iter(self.rows)

    def of(self, keys: Collection[Key]) -> dict[Key, JudgedRow]:
        wanted = set(keys)
        return {row.key: row for row in self.rows if row.key in wanted}

    def tally(self) -> Mapping[Judged, int]:
        return Counter(
            Judged(
                current=row.current,
                kind=row.kind,
                label=row.label,
                confidence=row.confidence,
                action=row.action,
            )
            for row in self.rows
        )


def judged(item: Item, label: str | None, confidence: float = 0.9) -> JudgedRow:
    """What a pass with a threshold of 0.75 made of an item."""
    action = Action.CHANGE if confidence >= 0.75 else Action.UNCONFIDENT
    if label is None:
        action = Action.FAILED
    elif label == item.current:
        action = Action.SAME
    return JudgedRow(
        key=item.key,
        digest=item.digest,
        current=item.current,
        kind=OutcomeKind.REFUSED if label is None else OutcomeKind.JUDGED,
        label=label,
        confidence=None if label is None else confidence,
        action=action,
    )


@dataclass
class Corpus:
    """Items and what a pass said of each of them."""

    source: ListSource
    said: ListPass

    def population(self, frame: Frame, min_confidence: float | None = None) -> JudgedPopulation:
        given: Any = self.said
        return JudgedPopulation(self.source, given, frame, min_confidence)


def corpus(proposals: Mapping[str, int], kept: int = 0) -> Corpus:
    """So many items of the label `old` that are to move to each label, and some that stay."""
    labels = [label for label, count in proposals.items() for _ in range(count)]
    items = [Item(n, f"text of {n}", None, "old") for n in range(1, len(labels) + kept + 1)]
    rows = [judged(item, label) for item, label in zip(items, labels, strict=False)]
    rows += [judged(item, "old") for item in items[len(labels) :]]
    return Corpus(ListSource(items), ListPass(rows))


def writes(of: Corpus, size: int = 30, seed: int = 0, **given: float) -> Drawn:
    return draw(
        of.population(Frame.WRITES, **given), Order(frame=Frame.WRITES, size=size, seed=seed)
    )


def topped_up(of: Corpus, rows: Sequence[LabelledItem], to: int = 5, seed: int = 0) -> Drawn:
    order = Order(frame=Frame.TOP_UP, per_category=to, seed=seed)
    return draw(of.population(Frame.TOP_UP), order, rows)


def ids(drawn: Drawn) -> list[str]:
    return [row.id for row in drawn.rows]
