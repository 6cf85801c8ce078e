"""The embedded classifier: no server, no key, no cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio.to_thread

from kclassify.classifier.local_file import read_model, write_model
from kclassify.classifier.local_fit import fit_model
from kclassify.classifier.local_model import seen_digests
from kclassify.core.item import Item, digest_of
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict, judged
from kclassify.errors import TaxonomyError

if TYPE_CHECKING:
    from kclassify.classifier.local_model import LocalModel
    from kclassify.core.decision import Halt
    from kclassify.core.taxonomy import Taxonomy

L = TypeVar("L", bound=str)
T = TypeVar("T", bound=str)

_MODEL = "local"
_INLINE_CHARS = 4_000
"""A text up to this long takes less than a thread does to be reached."""


class LocalClassifier(Generic[L]):
    """TF-IDF and logistic regression, with Platt-calibrated confidence. Needs the extra `local`.

    It is made by `fit` or `load`.
    """

    def __init__(self, taxonomy: Taxonomy[L], fitted: LocalModel) -> None:
        stray = [label for label in fitted.labels if label not in taxonomy.labels]
        if stray:
            raise TaxonomyError(
                f"taxonomy {taxonomy.name!r}: the local classifier was trained on category "
                f"{stray[0]!r}, which is not an active one"
            )
        self._taxonomy = taxonomy
        self._fitted = fitted
        self._parts: Mapping[str, str] = MappingProxyType(
            {"model": _MODEL, "taxonomy": taxonomy.digest, "training": fitted.digest}
        )

    @staticmethod
    def fit(
        taxonomy: Taxonomy[T], examples: Iterable[tuple[Item | str, str]], *, seed: int = 0
    ) -> LocalClassifier[T]:
        """A classifier learned from items (or texts) and their labels: the same from the same.

        A category without examples is never proposed. Raises `TaxonomyError` for a label that is
        no active category, `UsageError` when a category has fewer than two examples or fewer than
        two categories have any, and `MissingExtra` without scikit-learn.
        """
        pairs = [(text_of(example), str(label)) for example, label in examples]
        allowed = {str(label) for label in taxonomy.labels}
        for _, label in pairs:
            if label not in allowed:
                raise TaxonomyError(
                    f"taxonomy {taxonomy.name!r}: an example is labelled {label!r}, which is not "
                    "an active category"
                )
        return LocalClassifier(taxonomy, fit_model(pairs, seed))

    @staticmethod
    def load(path: Path | str, taxonomy: Taxonomy[T]) -> LocalClassifier[T]:
        """A classifier that was saved. No code from the file is run.

        Raises `UsageError` for a file that is missing, foreign or changed since, and
        `TaxonomyError` when it was trained on a category that is not active in this taxonomy.
        """
        return LocalClassifier(taxonomy, read_model(Path(path)))

    def save(self, path: Path | str) -> None:
        """Write the classifier to a file, in place of one that is there."""
        write_model(self._fitted, Path(path))

    @property
    def taxonomy(self) -> Taxonomy[L]:
        """The labels it chooses from."""
        return self._taxonomy

    @property
    def model(self) -> str:
        """`local`."""
        return _MODEL

    @property
    def fingerprint(self) -> str:
        """A digest of the taxonomy and of everything that was learned."""
        return digest_of(*self._parts.values())

    @property
    def fingerprint_parts(self) -> Mapping[str, str]:
        """What the fingerprint is a digest of."""
        return self._parts

    def was_fitted_on(self, item: Item) -> bool | None:
        """Whether it learned from this text; None when an old file does not say.

        Capitals and white space do not count.
        """
        seen, text = self._fitted.seen, text_of(item)
        return None if seen is None else not seen.isdisjoint(seen_digests(text))

    async def judge(self, item: Item) -> Outcome[L] | Halt:
        """The verdict on the item, or that its body is empty."""
        if item.is_empty:
            return Outcome(OutcomeKind.EMPTY, detail="the body is empty", cost=0)
        text = text_of(item)
        if len(text) <= _INLINE_CHARS:
            return _free(self._verdict(text))
        return _free(await anyio.to_thread.run_sync(self._verdict, text))

    def worst_case(self, item: Item) -> int:  # noqa: ARG002
        """Nothing: it asks nobody."""
        return 0

    @property
    def warms_cache(self) -> None:
        """There is nothing to cache."""
        return

    @property
    def advice(self) -> tuple[str, ...]:
        """There is nothing to know of its cost."""
        return ()

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def _verdict(self, text: str) -> Verdict[L]:
        label, confidence = self._fitted.predict(text)
        return Verdict(self._taxonomy.label(label), confidence, _MODEL)


def _free(verdict: Verdict[L]) -> Outcome[L]:
    return replace(judged(verdict), cost=0)


def text_of(example: Item | str) -> str:
    """What the classifier reads of an item: its title and its body."""
    if isinstance(example, str):
        return example
    return f"{example.title}\n\n{example.body}" if example.title else example.body
