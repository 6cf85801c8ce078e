"""The fingerprint of the classifier that settings choose, without its provider's library or key."""

from __future__ import annotations

from kclassify.classifier.cascade import cascade_model, cascade_parts
from kclassify.classifier.fingerprint import fingerprint_parts
from kclassify.classifier.from_settings import local_classifier, read_instructions, second_model
from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.classifier.reply import reply_model
from kclassify.config import ClassifierSettings
from kclassify.config.settings import CascadeSettings
from kclassify.core.item import digest_of
from kclassify.core.taxonomy import Taxonomy
from kclassify.prompt import Prompt


def fingerprint_from_settings(
    taxonomy: Taxonomy[str], settings: ClassifierSettings, cascade: CascadeSettings | None = None
) -> str:
    """That of what `make_classifier` makes of them. Raises `UsageError`."""
    chosen = choose_model(None, settings.model)
    first = _fingerprint(taxonomy, settings, chosen)
    if cascade is None:
        return first
    other = second_model(cascade, chosen)
    model = cascade_model(str(chosen), str(other))
    fingerprints = (first, _fingerprint(taxonomy, settings, other))
    return digest_of(*cascade_parts(taxonomy.digest, model, cascade.below, fingerprints).values())


def _fingerprint(taxonomy: Taxonomy[str], settings: ClassifierSettings, chosen: ChosenModel) -> str:
    if chosen.is_local:  # what it has learned belongs to it
        return local_classifier(taxonomy, settings).fingerprint
    prompt = Prompt(
        taxonomy,
        instructions=read_instructions(settings.instructions),
        max_body_chars=settings.max_body_chars,
        may_abstain=settings.may_abstain,
    )
    replies = reply_model(taxonomy, may_abstain=settings.may_abstain)
    return digest_of(*fingerprint_parts(prompt, chosen, replies, settings.max_tokens).values())
