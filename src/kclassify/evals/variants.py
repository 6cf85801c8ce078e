"""From a variant of a suite to the classifier that it stands for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kclassify.classifier.from_settings import make_classifier
from kclassify.config import ClassifierSettings, Settings
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import ConfigError, UsageError
from kclassify.evals.labelled import LabelledItem
from kclassify.evals.suite import Suite, VariantTable
from kclassify.ports import Classifier

_LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Variant:
    """A classifier by its name in the suite. `timeout_s` is for one call, in seconds."""

    name: str
    classifier: Classifier[str]
    timeout_s: float

    @property
    def is_embedded(self) -> bool:
        """Whether it asks nobody."""
        return self.classifier.model == _LOCAL

    @property
    def parts(self) -> Mapping[str, str]:
        """What its fingerprint is made of."""
        return dict(getattr(self.classifier, "fingerprint_parts", {}))


def make_variant(table: VariantTable, suite: Suite, settings: Settings | None) -> Variant:
    """The variant. What its table leaves out comes from the settings.

    Raises `UsageError` for one that cannot be asked, in words that name it.
    """
    base = ClassifierSettings() if settings is None else settings.classifier
    chosen = table.over(base)
    taxonomy = taxonomy_of(table, suite, settings)
    with _naming(table, suite):
        classifier = make_classifier(taxonomy, chosen, table.model, suite.run.concurrency)
    return Variant(table.name, classifier, chosen.timeout_s)


def taxonomy_of(table: VariantTable, suite: Suite, settings: Settings | None) -> Taxonomy[str]:
    """The categories of a variant, without making its classifier. Raises `UsageError`."""
    with _naming(table, suite):
        return read_taxonomy(_taxonomy_of(table, settings))


@contextmanager
def _naming(table: VariantTable, suite: Suite) -> Generator[None]:
    try:
        yield
    except UsageError as error:
        raise type(error)(f"{suite.path}: variant {table.name!r}: {error}") from None


def _taxonomy_of(table: VariantTable, settings: Settings | None) -> Path:
    if table.taxonomy is not None:
        return table.taxonomy
    if settings is None:
        raise ConfigError(
            "it names no taxonomy, and there is no kclassify.toml beside or above the suite to "
            "take it from: give it one, or name the settings with --config"
        )
    return settings.taxonomy.file


def unseen(variant: Variant, rows: Sequence[LabelledItem]) -> tuple[str, ...]:
    """Warnings of a classifier that may have learned from these rows.

    Raises `UsageError` for one that did: its scores would say how well it remembers.
    """
    from kclassify.classifier import LocalClassifier  # noqa: PLC0415

    if not isinstance(variant.classifier, LocalClassifier):
        return ()
    known = [variant.classifier.was_fitted_on(row.item) for row in rows]
    learned = [row.id for row, was in zip(rows, known, strict=True) if was]
    if learned:
        raise UsageError(
            f"variant {variant.name!r} was fitted on {len(learned)} of the {len(rows)} rows of the "
            f"sample, {learned[0]!r} among them, and no model is scored on the rows that trained "
            "it: take them out of [classifier] examples, or out of the sample"
        )
    if None in known:
        told = "is a saved classifier that does not say what it was fitted on"
        return (f"variant {variant.name!r} {told}: make sure that no row of the sample was",)
    return ()
