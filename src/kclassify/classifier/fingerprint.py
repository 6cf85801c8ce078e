"""What can change a verdict, so that it belongs to the fingerprint."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kclassify.classifier.reply import schema_text
from kclassify.core.item import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.reply import Reply
    from kclassify.prompt import Prompt


def fingerprint_parts(
    prompt: Prompt, model: ChosenModel, replies: type[Reply], max_tokens: int
) -> Mapping[str, str]:
    """Names where there are any, else digests.

    What a prompt is cached for and how it travels is not among them: the model sees the same.
    """
    may_abstain = prompt.may_abstain
    return MappingProxyType(
        {
            "taxonomy": prompt.taxonomy.digest,
            "prompt": prompt.digest,
            "model": str(model),
            "parameters": f"{max_tokens=} max_body_chars={prompt.max_body_chars} {may_abstain=}",
            "schema": digest_of(schema_text(replies)),
        }
    )
