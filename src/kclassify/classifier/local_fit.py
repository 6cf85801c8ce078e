"""Fits the embedded classifier: TF-IDF, one logistic regression a category, Platt's sigmoids."""

# ruff: noqa: ANN401 - scikit-learn ships no types

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kclassify.classifier.local_model import (
    LocalModel,
    new_vectorizer,
    require_scikit_learn,
    seen_digest,
)
from kclassify.errors import UsageError

_STRENGTH = 10.0
_FOLDS = 5
_FEWEST_EXAMPLES = 2
_FEWEST_CATEGORIES = 2
_RARE_FROM = 50
"""Examples from which on a word that occurs in one of them only is left out."""


def fit_model(examples: Sequence[tuple[str, str]], seed: int) -> LocalModel:
    """What is learned from texts and their labels: the same from the same.

    The sigmoids are fitted on scores of texts that were held out. Raises `UsageError` for too few
    examples or categories, and `MissingExtra` without scikit-learn.
    """
    require_scikit_learn()
    import threadpoolctl  # type: ignore[import-untyped]  # noqa: PLC0415

    texts, labels = [text for text, _ in examples], [label for _, label in examples]
    folds = min(_FOLDS, _fewest(labels))
    vectorizer = new_vectorizer(min_df=2 if len(texts) >= _RARE_FROM else 1)
    features = _fit_vectorizer(vectorizer, texts)
    # The matrices are small: threads that wait for one another take far longer on a busy machine.
    with threadpoolctl.threadpool_limits(1):
        calibrated = _calibrated(folds, seed).fit(features, labels)
    return replace(_learned(vectorizer, calibrated), seen=frozenset(map(seen_digest, texts)))


def _fewest(labels: Sequence[str]) -> int:
    counts = Counter(labels)
    if len(counts) < _FEWEST_CATEGORIES:
        raise UsageError(
            f"the local classifier needs examples of two categories, not {len(counts)}"
        )
    label, count = min(counts.items(), key=lambda entry: (entry[1], entry[0]))
    if count < _FEWEST_EXAMPLES:
        raise UsageError(
            f"category {label!r} has {count} example: the local classifier needs "
            f"{_FEWEST_EXAMPLES} or more of each category that it is to learn"
        )
    return count


def _fit_vectorizer(vectorizer: Any, texts: Sequence[str]) -> Any:
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:
        raise UsageError("the examples have no words in common to learn from") from None


def _calibrated(folds: int, seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV  # noqa: PLC0415
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    return CalibratedClassifierCV(
        _one_for_each(seed),
        method="sigmoid",
        ensemble=False,  # pyright: ignore[reportArgumentType] - its default is a text
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )


def _one_for_each(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.multiclass import OneVsRestClassifier  # noqa: PLC0415

    regression = LogisticRegression(
        C=_STRENGTH,
        solver="liblinear",
        class_weight="balanced",
        max_iter=1000,
        random_state=seed,
    )
    return OneVsRestClassifier(regression)


def _learned(vectorizer: Any, calibrated: Any) -> LocalModel:
    import numpy as np  # noqa: PLC0415

    inner = calibrated.calibrated_classifiers_[0]
    regressions, sigmoids = inner.estimator.estimators_, inner.calibrators
    return LocalModel(
        labels=tuple(str(label) for label in calibrated.classes_),
        vocabulary=tuple(str(word) for word in vectorizer.get_feature_names_out()),
        idf=np.asarray(vectorizer.idf_, dtype=np.float64),
        weights=np.ascontiguousarray(np.vstack([r.coef_ for r in regressions]).T),
        intercept=np.concatenate([r.intercept_ for r in regressions]),
        slope=np.array([s.a_ for s in sigmoids], dtype=np.float64),
        offset=np.array([s.b_ for s in sigmoids], dtype=np.float64),
    )
