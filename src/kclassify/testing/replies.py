"""How the stub chooses its answers: by a rule, by a file of labels, at random, or always one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kclassify.core.window import PROBE
from kclassify.testing.draw import uniform
from kclassify.testing.item_text import body_digest
from kclassify.testing.labels_file import Labelled, read_labels

if TYPE_CHECKING:
    from kclassify.testing.item_text import ItemText

DEFAULT_CONFIDENCE = 0.95


class Answer(NamedTuple):
    """What the stub says of one item."""

    label: str
    confidence: float


class NoAnswerError(LookupError):
    """These replies have none for this item; the client gets a 400 with this text."""


class Replies(Protocol):
    """Anything that answers for an item."""

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """The answer for an item; `labels` are those that the request's schema allows.

        Raises NoAnswerError when there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Answers by a function of the item's text and the labels on offer.

    The text is title, blank line, body (the body alone when there is no title). The function runs
    in the stub's thread and must not block.
    """

    function: Callable[[str, tuple[str, ...]], tuple[str, float]]

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """What the function returns."""
        return Answer(*self.function(item.text, labels))


@dataclass(frozen=True, slots=True)
class Fixed:
    """Answers every item alike."""

    label: str
    confidence: float = DEFAULT_CONFIDENCE

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:  # noqa: ARG002
        """Always the same."""
        return Answer(self.label, self.confidence)


@dataclass(frozen=True, slots=True)
class Random:
    """Draws a label evenly from those on offer, and a confidence evenly from a range.

    The same seed and item text draw the same answer, in any order and any process.
    """

    seed: int = 0
    lowest: float = 0.5
    highest: float = 1.0

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """The draw for this item's text; NoAnswerError when the request offers no labels."""
        if not labels:
            raise NoAnswerError("the request's schema has no enum to draw a label from")
        label = labels[int(uniform(self.seed, "label", item.text) * len(labels))]
        part = uniform(self.seed, "confidence", item.text)
        return Answer(label, round(self.lowest + part * (self.highest - self.lowest), 4))


TO_PROBE = Random(lowest=0.0, highest=0.1)
"""What kclassify's own probe is told, which asks whether anyone is there."""


class ByDigest:
    """Answers with the label that a mapping or a file holds for the digest of the item's body.

    kclassify's own probe, which asks whether anyone is there, always gets a label of those on
    offer, with a confidence of at most 0.1.

    A body that the prompt cut, at 16,000 characters unless the run says otherwise, has another
    digest than the whole one: it counts as not there. Raise `max_body_chars` for such a corpus.

    Args:
        labels: a mapping from digest (see `body_digest`) to a label or a (label, confidence)
            pair; or the path of a file with them. A `.json` file is one object, digest to label or
            to `{"label": ..., "confidence": ...}`. In a `.jsonl` file each line is an object with
            `label`, perhaps `confidence`, and either `digest`, taken as it stands, or `body`, the
            original one.
        confidence: for labels that come without one.
        otherwise: answers for digests that are not there; without it those get a 400.

    Raises FileNotFoundError, or ValueError naming the file and the line at fault.
    """

    __slots__ = ("_answers", "_otherwise")

    def __init__(
        self,
        labels: Mapping[str, str | tuple[str, float]] | Path | str,
        *,
        confidence: float = DEFAULT_CONFIDENCE,
        otherwise: Replies | None = None,
    ) -> None:
        if isinstance(labels, Mapping):
            self._answers = {key: _given(entry, confidence) for key, entry in labels.items()}
        else:
            entries = read_labels(Path(labels)).items()
            self._answers = {key: _read(entry, confidence) for key, entry in entries}
        self._otherwise = otherwise

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        """The answer kept for the body's digest; NoAnswerError when there is none."""
        found = self._answers.get(item.digest) or self._answers.get(body_digest(item.body))
        if found is not None:
            return found
        if item.body == PROBE.body:
            return TO_PROBE.answer(item, labels)
        if self._otherwise is None:
            raise NoAnswerError(f"no label for the body with digest {item.digest}")
        return self._otherwise.answer(item, labels)


def _given(entry: str | tuple[str, float], confidence: float) -> Answer:
    return Answer(entry, confidence) if isinstance(entry, str) else Answer(*entry)


def _read(entry: Labelled, confidence: float) -> Answer:
    return Answer(entry.label, confidence if entry.confidence is None else entry.confidence)
