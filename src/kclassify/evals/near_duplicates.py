"""Pairs of texts that are nearly the same, among some ten thousand."""

# ruff: noqa: ANN401 - scikit-learn ships no types

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kclassify.errors import MissingExtra

LEAK = 0.95
ALIKE = 0.9
_CHUNK = 512
_FEATURES = 2**20


@dataclass(frozen=True, slots=True)
class NearPair:
    """The places of two texts, the earlier first, and the cosine of their shingles in [0, 1]."""

    first: int
    second: int
    similarity: float


def near_pairs(texts: Sequence[str], least: float = ALIKE) -> list[NearPair]:
    """The pairs whose similarity is at least `least`.

    Raises `MissingExtra` where scikit-learn is not installed.
    """
    if len(texts) < 2:  # noqa: PLR2004 - a pair
        return []
    return list(_pairs(_shingles(texts), least))


def clusters(texts: Sequence[str], least: float = ALIKE) -> list[int]:
    """For each text the place of the first one that it is joined to by a chain of near pairs."""
    roots = list(range(len(texts)))

    def root(place: int) -> int:
        while roots[place] != place:
            roots[place] = roots[roots[place]]
            place = roots[place]
        return place

    for pair in near_pairs(texts, least):
        one, other = sorted((root(pair.first), root(pair.second)))
        roots[other] = one
    return [root(place) for place in range(len(texts))]


def _shingles(texts: Sequence[str]) -> Any:
    try:
        from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415
    except ImportError:
        raise MissingExtra(
            "near duplicates across a split are found with scikit-learn: pip install "
            "'kclassify[evals]'"
        ) from None
    vectorizer: Any = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(5, 5),
        binary=True,
        n_features=_FEATURES,
        alternate_sign=False,
    )
    return vectorizer.transform(texts).tocsr()


def _pairs(shingles: Any, least: float) -> Iterator[NearPair]:
    """A block of rows against all that follow, so that memory does not grow with the square."""
    for start in range(0, shingles.shape[0], _CHUNK):
        block = (shingles[start : start + _CHUNK] @ shingles[start:].T).tocoo()
        near = (block.data >= least) & (block.row < block.col)
        for row, column, value in zip(
            block.row[near], block.col[near], block.data[near], strict=True
        ):
            yield NearPair(start + int(row), start + int(column), min(1.0, float(value)))
