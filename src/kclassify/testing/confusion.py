"""A model whose mistakes are written down: what it says of each category, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kclassify.core.window import PROBE
from kclassify.testing.draw import uniform
from kclassify.testing.item_text import ItemText, body_digest
from kclassify.testing.replies import TO_PROBE, Answer, NoAnswerError, Replies

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ConfusionModel:
    """Draws each answer from the row of a confusion matrix that belongs to the item's true label.

    Args:
        gold: the true label by item body, or by `body_digest` of it.
        mistakes: `{true label: {said label: probability}}`; what is left of 1 is a right answer.
        right, wrong: the ranges that confidences are drawn from, evenly. An overconfident model has
            two that overlap.
        seed: the same seed and item draw the same answer, in any order and any process.

    Raises `ValueError` when the mistakes of a label add up to more than 1.
    """

    gold: Mapping[str, str]
    mistakes: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, dict[str, float]])
    right: Range = (0.8, 1.0)
    wrong: Range = (0.7, 0.95)
    seed: int = 0

    def __post_init__(self) -> None:
        for label, row in self.mistakes.items():
            if sum(row.values()) > 1 or min(row.values(), default=0) < 0:
                raise ValueError(f"the mistakes for {label!r} are no probabilities: {dict(row)}")

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """The draw for this item; NoAnswerError for one without a true label."""
        gold = self.gold.get(item.body) or self.gold.get(body_digest(item.body))
        if item.body == PROBE.body:
            return TO_PROBE.answer(item, labels)
        if gold is None:
            raise NoAnswerError("no true label is known for this item")
        said = self._said(gold, uniform(self.seed, "label", item.text))
        if said not in labels:
            raise NoAnswerError(f"{said!r} is not on offer")
        low, high = self.right if said == gold else self.wrong
        part = uniform(self.seed, "confidence", item.text)
        return Answer(said, round(low + part * (high - low), 2))

    def _said(self, gold: str, draw: float) -> str:
        for label, probability in self.mistakes.get(gold, {}).items():
            if draw < probability:
                return label
            draw -= probability
        return gold


@dataclass(frozen=True)
class ByInstructions:
    """Answers as the first of these whose phrase stands in the request's instructions.

    So one model can behave differently under two prompts or two taxonomies, as real ones do.
    """

    choices: Sequence[tuple[str, Replies]]
    otherwise: Replies

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """The answer of the replies that apply."""
        for phrase, replies in self.choices:
            if phrase in item.instructions:
                return replies.answer(item, labels)
        return self.otherwise.answer(item, labels)
