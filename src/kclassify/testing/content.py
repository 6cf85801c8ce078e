"""What the model is to have said, right or wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kclassify.testing import faults
from kclassify.testing.wire import Content

if TYPE_CHECKING:
    from kclassify.testing.replies import Answer
    from kclassify.testing.shape import AnswerShape


def content_of(fault: faults.Fault | None, answer: Answer, shape: AnswerShape) -> Content:
    """The content for an answer; faults that are not about content leave it as it is."""
    match fault:
        case faults.Refusal():
            return Content("", None, "refusal")
        case faults.BrokenJson():
            return Content(f"This one looks like {answer.label} to me: {{", None)
        case faults.Truncation():
            whole = _said(shape.fill(*answer)).text
            return Content(whole[: len(whole) // 2], None, "truncated")
        case faults.WrongLabel(label=label):
            return _said(shape.fill(label, answer.confidence))
        case faults.BadConfidence(value=value):
            return _said(shape.fill(answer.label, value))
        case _:
            return _said(shape.fill(*answer))


def _said(values: dict[str, object]) -> Content:
    return Content(json.dumps(values, ensure_ascii=False), values)
