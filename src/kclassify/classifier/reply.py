"""The JSON object that a model is to reply with: a label from a closed list, and a confidence."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from typing import Annotated, Any, Literal, cast
from weakref import WeakKeyDictionary

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from kclassify.core.taxonomy import Taxonomy

_SHOWN_LABEL = 60
_NO_OBJECT = "the reply is not the JSON object that was asked for"
_NO_CATEGORY = "is not an active category"
_OUTSIDE = "is outside [0, 1]"
_MISSING, _WRONG_TYPE = "it is missing", "it has the wrong type"
_FIELDS = ("label", "confidence")
_PLAIN = {f"{field}: {why}" for field in _FIELDS for why in (_MISSING, _WRONG_TYPE)}


class Reply(BaseModel):
    """What a model replied, checked. The label is None when it abstains."""

    # On the wire nothing else is allowed; a reply that says more is still a reply.
    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})

    label: str | None
    confidence: float

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own
        """The JSON schema: made once, since instructor asks for it at every call."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        if cls not in _schemas:
            _schemas[cls] = super().model_json_schema()
        return deepcopy(_schemas[cls])


_schemas: WeakKeyDictionary[type[Reply], dict[str, Any]] = WeakKeyDictionary()


def _in_unit(value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"{value} is outside [0, 1]")
    return value


# No bounds in the schema: providers reject them or turn them into prose.
_Confidence = Annotated[
    float,
    AfterValidator(_in_unit),
    Field(description="Probability that the label is right, between 0 and 1"),
]


def reply_model(taxonomy: Taxonomy[str], *, may_abstain: bool) -> type[Reply]:
    """The model of replies whose label is an active category, or null when it may abstain."""
    literal = cast("Any", Literal)
    labels = literal[tuple(str(label) for label in taxonomy.labels)]
    label = (labels | None if may_abstain else labels, Field(description="The category"))
    return create_model(
        "Classification", __base__=Reply, label=label, confidence=(_Confidence, ...)
    )


def schema_text(replies: type[Reply]) -> str:
    """The output schema as canonical JSON."""
    return json.dumps(replies.model_json_schema(), sort_keys=True, ensure_ascii=False)


def problem_of(error: BaseException | None) -> str:
    """Why a reply could not be used, in a few words."""
    while error is not None and not isinstance(error, ValidationError):
        error = error.__cause__
    if error is None:
        return _NO_OBJECT
    first = error.errors(include_url=False)[0]
    match first["loc"][:1], first["type"]:
        case ("label",), "literal_error":
            return f"{_shown(first['input'])} {_NO_CATEGORY}"
        case ("confidence",), "value_error" | "finite_number":
            return f"the confidence {first['input']!r} {_OUTSIDE}"
        case (("label" | "confidence") as field,), kind:
            return f"{field}: {_MISSING if kind == 'missing' else _WRONG_TYPE}"
        case _:
            return _NO_OBJECT


def fault_of(problem: str) -> str:
    """The problem in words of our own: the item may have dictated what a reply said."""
    if problem.endswith(_NO_CATEGORY):
        return f"its label {_NO_CATEGORY}"
    if problem.endswith(_OUTSIDE):
        return f"its confidence {_OUTSIDE}"
    return problem if problem in _PLAIN else _NO_OBJECT


LONGEST_FAULT = max(
    (f"its label {_NO_CATEGORY}", f"its confidence {_OUTSIDE}", _NO_OBJECT, *_PLAIN), key=len
)
"""Of all that `fault_of` can say."""


def _shown(label: object) -> str:
    return "null" if label is None else repr(str(label)[:_SHOWN_LABEL])
