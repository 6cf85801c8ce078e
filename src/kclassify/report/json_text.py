"""An evaluation as JSON, and back: what other programs read."""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError

from kclassify.core.evaluation import Evaluation
from kclassify.errors import KclassifyError

_ADAPTER = TypeAdapter(Evaluation)


def render_json(evaluation: Evaluation) -> str:
    """The evaluation as JSON in ASCII, the same text for the same evaluation.

    Raises `KclassifyError` for a number that is none (NaN, infinity): JSON has no word for it.
    """
    held = _ADAPTER.dump_python(evaluation, mode="json")
    try:
        return json.dumps(held, allow_nan=False, indent=2) + "\n"
    except ValueError as error:
        raise KclassifyError(
            f"the evaluation of suite {evaluation.suite!r} holds a number that is not finite, "
            "which JSON cannot say: a metric without a value has to be None"
        ) from error


def read_json(text: str) -> Evaluation:
    """What `render_json` wrote. Raises `KclassifyError` for anything else."""
    try:
        return _ADAPTER.validate_python(json.loads(text))
    except (ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise KclassifyError(f"this JSON is no evaluation of this version: {first}") from error
