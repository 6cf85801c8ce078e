"""Pairs of texts that are nearly the same, among some ten thousand."""

# ruff: noqa: ANN401 - scikit-learn ships no types

from __future__ import annotations

from collections import defaultdict
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


def joined(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The places 0 to `count` - 1 in groups: two of a pair are in one, by however long a chain."""
    import numpy as np  # noqa: PLC0415
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ends: Any = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    edges: Any = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(count, count))
    groups: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(connected_components(edges, directed=False)[1]):
        groups[int(group)].append(place)
    return list(groups.values())


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
