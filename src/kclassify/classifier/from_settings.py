"""Makes the classifier that settings and environment choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.classifier.prices import price_of
from kclassify.config import ClassifierSettings
from kclassify.config.settings import CascadeSettings, PriceSettings
from kclassify.core.batch import BatchLimits
from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import ConfigError, TaxonomyError
from kclassify.ports import Classifier
from kclassify.prompt import DEFAULT_INSTRUCTIONS
from kclassify.sources.records import Place, Record, jsonl_records

if TYPE_CHECKING:
    from kclassify.classifier import LocalClassifier

_LABEL = "gold"


@dataclass(frozen=True, slots=True)
class Costs:
    """What settings say of what calls cost, beside the model: prices, batches, a cascade."""

    prices: Mapping[str, PriceSettings] = field(default_factory=dict[str, PriceSettings])
    batch: BatchLimits = field(default_factory=BatchLimits)
    cascade: CascadeSettings | None = None


def make_classifier(
    taxonomy: Taxonomy[str],
    settings: ClassifierSettings,
    model: str | None,
    max_connections: int,
    costs: Costs | None = None,
    *,
    api_key: str | None = None,
) -> Classifier[str]:
    """The classifier; `model` is the one that the command line asked for. Raises `UsageError`.

    Without an `api_key` it is the one in the environment.
    """
    costs = costs or Costs()
    chosen = choose_model(model, settings.model)
    make = partial(
        _one, taxonomy, settings, max_connections=max_connections, costs=costs, api_key=api_key
    )
    if costs.cascade is None:
        return make(chosen)
    if settings.transport == "batch":
        raise ConfigError("[cascade] asks directly: leave out [classifier] transport, or [cascade]")
    from kclassify.classifier import Cascade  # noqa: PLC0415

    second = second_model(costs.cascade, chosen)
    return Cascade(make(chosen), make(second), costs.cascade.below)


def second_model(cascade: CascadeSettings, first: ChosenModel) -> ChosenModel:
    """The model that is asked where the first is not sure. Raises `ConfigError` for the same."""
    second = replace(choose_model(cascade.model), origin="[cascade] model")
    if str(second) == str(first):
        raise ConfigError(
            f"[cascade] model {second} is the first model, too (from {first.origin}): name another "
            "one for either, or leave out [cascade]"
        )
    return second


def _one(
    taxonomy: Taxonomy[str],
    settings: ClassifierSettings,
    chosen: ChosenModel,
    *,
    max_connections: int,
    costs: Costs,
    api_key: str | None,
) -> Classifier[str]:
    if chosen.is_local:
        return local_classifier(taxonomy, settings)
    from kclassify.classifier import Classifier as ModelClassifier  # noqa: PLC0415

    return ModelClassifier(
        taxonomy,
        model=chosen,
        instructions=read_instructions(settings.instructions),
        max_body_chars=settings.max_body_chars,
        may_abstain=settings.may_abstain,
        max_tokens=settings.max_tokens,
        timeout_s=settings.timeout_s,
        api_key=api_key,
        base_url=settings.base_url,
        max_connections=max_connections,
        price=price_of(chosen, costs.prices),
        cache=settings.cache,
        transport=settings.transport,
        batch=costs.batch,
    )


def local_classifier(taxonomy: Taxonomy[str], settings: ClassifierSettings) -> LocalClassifier[str]:
    """The embedded classifier: loaded where its artifact is, else fitted on the examples.

    What is fitted is saved where an artifact is named. Raises `UsageError`.
    """
    from kclassify.classifier import LocalClassifier  # noqa: PLC0415

    artifact, examples = settings.artifact, settings.examples
    if artifact is not None and (artifact.exists() or examples is None):
        return _loaded(artifact, taxonomy)
    if examples is None:
        raise ConfigError(
            "model 'local' is fitted on labelled items: name a file of them as [classifier] "
            "examples, or a saved classifier as [classifier] artifact"
        )
    fitted = LocalClassifier[str].fit(taxonomy, labelled_items(examples, taxonomy))
    if artifact is not None:
        fitted.save(artifact)
    return fitted


def _loaded(artifact: Path, taxonomy: Taxonomy[str]) -> LocalClassifier[str]:
    from kclassify.classifier import LocalClassifier  # noqa: PLC0415

    try:
        return LocalClassifier[str].load(artifact, taxonomy)
    except TaxonomyError as error:
        raise TaxonomyError(
            f"{artifact}: {error}: delete this file, and the next run fits it again on "
            "[classifier] examples"
        ) from None


def labelled_items(path: Path, taxonomy: Taxonomy[str]) -> list[tuple[Item, str]]:
    """The items of a JSON Lines file with the labels in their `gold`.

    Raises `SourceError` for a file that cannot be read, and `TaxonomyError`, which names the line,
    for a label that cannot be learned.
    """
    return [_labelled(path, record, taxonomy) for record in jsonl_records(path, Place())]


def _labelled(path: Path, record: Record, taxonomy: Taxonomy[str]) -> tuple[Item, str]:
    where = f"{path}, line {record.line}"
    body, label = record.fields.get("body"), record.fields.get(_LABEL)
    title = record.fields.get("title")
    if not isinstance(body, str) or not isinstance(label, str):
        raise ConfigError(f"{where}: an example has a text as 'body' and a label as {_LABEL!r}")
    if label not in taxonomy.labels:
        problem = "is retired in" if label in taxonomy.known else "is no category of"
        raise TaxonomyError(f"{where}: {label!r} {problem} taxonomy {taxonomy.name!r}")
    return Item(record.line, body, title if isinstance(title, str) else None), label


def read_instructions(path: Path | None) -> str:
    """The instructions in a file, those of kclassify for None.

    Raises `ConfigError` for a file that cannot be read, and for one without any.
    """
    if path is None:
        return DEFAULT_INSTRUCTIONS
    try:
        found = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ConfigError(f"[classifier] instructions: {path}: {error.strerror}") from None
    if not found:
        raise ConfigError(
            f"{path}: it is empty: write the instructions into it, or name no file, and those of "
            "kclassify are used"
        )
    return found
