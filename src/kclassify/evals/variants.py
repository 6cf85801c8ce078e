"""From a variant of a suite to the classifier that it stands for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from kclassify.classifier.from_settings import Costs, make_classifier, read_instructions
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
    """A classifier by its name in the suite.

    `timeout_s` is for one call, in seconds; `instructions` are those of its prompt.
    """

    name: str
    classifier: Classifier[str]
    timeout_s: float
    instructions: str = ""

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

    Raises `UsageError` for one that cannot be asked, in words that name it, and for a candidate
    that does not have the categories of `[policy] veto`.
    """
    base = ClassifierSettings() if settings is None else settings.classifier
    chosen = table.over(base)
    taxonomy = taxonomy_of(table, suite, settings)
    if table.name == suite.candidate.name:
        _check_veto(suite, taxonomy)
    with _naming(table, suite):
        costs = _costs(table, settings)
        connections = suite.run.concurrency
        classifier = make_classifier(taxonomy, chosen, table.model, connections, costs)
        asks_nobody = classifier.model == _LOCAL
        instructions = "" if asks_nobody else read_instructions(chosen.instructions)
    calls = 1 if costs.cascade is None else 2
    return Variant(table.name, classifier, calls * chosen.timeout_s, instructions)


def _costs(table: VariantTable, settings: Settings | None) -> Costs:
    """A variant with a model of its own is that model, and no cascade."""
    if settings is None:
        return Costs()
    cascade = settings.cascade if table.model is None else None
    return Costs(settings.prices, settings.batch.limits, cascade)


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


def require_unseen(variant: Variant, rows: Sequence[LabelledItem]) -> None:
    """Raise `UsageError` for a classifier that learned from these rows, or was shown one of them.

    Its scores would say how well it remembers.
    """
    from kclassify.classifier import LocalClassifier  # noqa: PLC0415
    from kclassify.evals.leakage import refuse_learned, refuse_shown  # noqa: PLC0415

    if isinstance(variant.classifier, LocalClassifier):
        refuse_learned(variant.name, variant.classifier, rows)
    else:
        refuse_shown(variant.name, variant.classifier.taxonomy, variant.instructions, rows)


def _check_veto(suite: Suite, taxonomy: Taxonomy[str]) -> None:
    labels = [str(label) for label in taxonomy.labels]
    for vetoed in suite.policy.veto:
        if vetoed not in labels:
            close = get_close_matches(vetoed, labels, n=1)
            known = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(labels)}"
            raise ConfigError(
                f"{suite.path}: [policy] veto: {vetoed!r} is no active category of taxonomy "
                f"{taxonomy.name!r}: {known}"
            )
