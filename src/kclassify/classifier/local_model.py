"""What the embedded classifier has learned: words, weights, and how far to trust its scores."""

# ruff: noqa: ANN401 - scikit-learn ships no types

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kclassify.core.item import digest_of, folded
from kclassify.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

# Punctuation counts: how a text is laid out tells a procedure from a quotation.
_TOKEN = r"(?u)\w+|[?!:;\"`#*-]"  # noqa: S105 - a pattern
_LONGEST_NGRAM = 2
_STEEPEST = 700.0
_SEEN_DIGITS = 16


@dataclass(frozen=True, eq=False)
class LocalModel:
    """Weights by word and category, a score's slope and offset by category (Platt's sigmoid).

    With two categories there is one column, for the second of them. `weights` has the shape
    (words, columns), `idf` (words,), the others (columns,). `seen` are the digests of the texts
    that it was fitted on, as `seen_digest` makes them; None when they are not known.
    """

    labels: tuple[str, ...]
    vocabulary: tuple[str, ...]
    idf: Numbers
    weights: Numbers
    intercept: Numbers
    slope: Numbers
    offset: Numbers
    seen: frozenset[str] | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that was learned."""
        words = json.dumps([self.labels, self.vocabulary, _TOKEN, _LONGEST_NGRAM])
        sha = hashlib.sha256(words.encode())
        for numbers in (self.idf, self.weights, self.intercept, self.slope, self.offset):
            sha.update(str(numbers.shape).encode())
            sha.update(numbers.astype("<f8").tobytes())
        return sha.hexdigest()

    def predict(self, text: str) -> tuple[str, float]:
        """The most probable label, and its probability."""
        scores = (self._vectorizer.transform([text]) @ self.weights)[0] + self.intercept
        probabilities = self._calibrated(scores)
        best = int(probabilities.argmax())
        return self.labels[best], min(1.0, float(probabilities[best]))

    def _calibrated(self, scores: Numbers) -> Numbers:
        import numpy as np  # noqa: PLC0415

        exponent = np.clip(self.slope * scores + self.offset, -_STEEPEST, _STEEPEST)
        each: Numbers = 1 / (1 + np.exp(exponent))
        if len(each) == 1:
            return np.concatenate([1 - each, each])
        total = float(each.sum())
        return each / total if total > 0 else each + 1 / len(each)

    @cached_property
    def _vectorizer(self) -> Any:
        vectorizer = new_vectorizer(vocabulary=self.vocabulary)
        vectorizer.idf_ = self.idf
        return vectorizer


def seen_digest(text: str) -> str:
    """A short digest of a text that a model is fitted on: to know it again, not to prove it.

    Capitals and white space do not count.
    """
    return digest_of(folded(text))[:_SEEN_DIGITS]


def seen_digests(text: str) -> tuple[str, str]:
    """What may stand for the text in a saved model: once, capitals and white space did count."""
    return seen_digest(text), digest_of(text)[:_SEEN_DIGITS]


def require_scikit_learn() -> None:
    """Raise `MissingExtra` when scikit-learn is not installed."""
    if find_spec("sklearn") is None:
        raise MissingExtra(
            "the local classifier needs scikit-learn: pip install 'kclassify[local]'"
        )


def new_vectorizer(**settings: Any) -> Any:
    """A TF-IDF vectorizer that splits texts as every model here does."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    return TfidfVectorizer(
        token_pattern=_TOKEN, ngram_range=(1, _LONGEST_NGRAM), sublinear_tf=True, **settings
    )
