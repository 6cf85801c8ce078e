"""Whether a classifier was shown a row of the sample with its answer, or learned from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kclassify.classifier import LocalClassifier
from kclassify.core.item import folded
from kclassify.core.taxonomy import Taxonomy
from kclassify.errors import UsageError
from kclassify.evals.labelled import LabelledItem

LEAST_CHARS = 20
"""Characters of a text that is looked for within another: shorter ones stand there by chance."""


def refuse_learned(
    name: str, classifier: LocalClassifier[str], rows: Sequence[LabelledItem]
) -> None:
    """Raise `UsageError` for a classifier that was fitted on a row, or may have been.

    `name` is that of the variant.
    """
    known = [classifier.was_fitted_on(row.item) for row in rows]
    learned = [row.id for row, was in zip(rows, known, strict=True) if was]
    if learned:
        raise UsageError(
            f"variant {name!r} was fitted on {len(learned)} of the {len(rows)} rows of the "
            f"sample, {learned[0]!r} among them, and no model is scored on the rows that trained "
            "it: take them out of [classifier] examples, or out of the sample"
        )
    if None in known:
        raise UsageError(
            f"variant {name!r} is a saved classifier that does not say what it was fitted on, so "
            "nobody knows whether it learned from the sample: delete its [classifier] artifact, "
            "and the next evaluation fits it again on [classifier] examples"
        )


def refuse_shown(
    name: str, taxonomy: Taxonomy[str], instructions: str, rows: Sequence[LabelledItem]
) -> None:
    """Raise `UsageError` for a row whose text stands in what the model is told of every item.

    Capitals and white space do not count. `name` is that of the variant.
    """
    told = [(place, folded(text)) for place, text in _told(taxonomy, instructions)]
    shown = [(row, place) for row in rows if (place := _place_of(folded(row.body), told))]
    if shown:
        row, place = shown[0]
        more = len(shown) - 1
        also = f" (as {more} more {'does' if more == 1 else 'do'} somewhere)" if more else ""
        raise UsageError(
            f"variant {name!r}: row {row.id!r} of the sample stands in {place}{also}, and no "
            "classifier is scored on a row that it was shown before: take it out of there, or out "
            "of the sample"
        )


def _told(taxonomy: Taxonomy[str], instructions: str) -> Iterator[tuple[str, str]]:
    for category in taxonomy.active:
        for example in category.examples:
            yield f"the examples of category {category.name!r}", example
        rules = (category.definition, *category.choose_when, *category.not_when)
        for rule in rules:
            yield f"the definition of category {category.name!r}", rule
    for rule in taxonomy.tie_breakers:
        yield "the tie-breakers of the taxonomy", rule
    yield "the instructions of the prompt", instructions


def _place_of(text: str, told: Sequence[tuple[str, str]]) -> str | None:
    if not text:
        return None
    is_long = len(text) >= LEAST_CHARS
    return next((place for place, said in told if text == said or (is_long and text in said)), None)
