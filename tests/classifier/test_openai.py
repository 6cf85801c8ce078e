"""The same outcomes from a server that speaks as OpenAI does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify.classifier import Classifier
from kclassify.core.decision import Halt
from kclassify.core.verdict import OutcomeKind, Usage
from kclassify.testing import (
    BadConfidence,
    BadRequest,
    BrokenBody,
    BrokenJson,
    Fault,
    Hang,
    Overloaded,
    Refusal,
    Reset,
    Throttled,
    Truncation,
    Unauthorized,
    UnknownModel,
)
from tests.classifier.canned import canned
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic

if TYPE_CHECKING:
    from kclassify.core.verdict import Outcome
    from kclassify.testing import StubMessagesAPI

CASES: list[tuple[Fault, OutcomeKind | None, int]] = [
    (Refusal(), OutcomeKind.REFUSED, 1),
    (Truncation(), OutcomeKind.TRUNCATED, 1),
    (BrokenJson(), OutcomeKind.INVALID, 2),
    (BadConfidence(), OutcomeKind.INVALID, 2),
    (BadRequest(), OutcomeKind.REJECTED, 1),
    (Throttled(3), OutcomeKind.THROTTLED, 1),
    (Overloaded(), OutcomeKind.UNAVAILABLE, 1),
    (Reset(), OutcomeKind.UNAVAILABLE, 1),
    (BrokenBody(), OutcomeKind.UNAVAILABLE, 1),
    (BrokenBody("text/html"), OutcomeKind.UNAVAILABLE, 1),
    (Hang(), OutcomeKind.TIMED_OUT, 1),
    (Unauthorized(), None, 1),
    (UnknownModel(), None, 1),
]


async def judged(url: str, timeout_s: float = 5) -> Outcome[Topic] | Halt:
    async with Classifier(
        TAXONOMY, model="openai/gpt-x", base_url=url, api_key=KEY, timeout_s=timeout_s
    ) as classifier:
        return await classifier.judge(ITEM)


@pytest.mark.parametrize(("fault", "kind", "requests"), CASES, ids=[repr(f) for f, _, _ in CASES])
async def test_a_fault_becomes_its_outcome(
    stub: StubMessagesAPI, fault: Fault, kind: OutcomeKind | None, requests: int
) -> None:
    stub.set_fault(fault)
    outcome = await judged(f"{stub.url}/v1", 0.3 if isinstance(fault, Hang) else 5)
    assert (None if isinstance(outcome, Halt) else outcome.kind) is kind
    assert stub.count == requests


async def test_a_halt_names_the_variable_and_the_model(stub: StubMessagesAPI) -> None:
    stub.script([Unauthorized(), UnknownModel()])
    for words in ("set OPENAI_API_KEY", "model openai/gpt-x (from the model that was asked for)"):
        outcome = await judged(f"{stub.url}/v1")
        assert isinstance(outcome, Halt)
        assert words in outcome.reason


def completion(reason: str, **usage: object) -> dict[str, object]:
    message = {"role": "assistant", "content": '{"label": "quote", "confidence": 1}'}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x-2026-01-01",
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107, **usage},
    }


async def test_a_content_filter_is_a_refusal() -> None:
    with canned(200, completion("content_filter")) as url:
        outcome = await judged(url)
    assert not isinstance(outcome, Halt)
    assert outcome.kind is OutcomeKind.REFUSED


async def test_tokens_from_the_cache_are_counted_once() -> None:
    cached = {"prompt_tokens_details": {"cached_tokens": 60}}
    with canned(200, completion("stop", **cached)) as url:
        outcome = await judged(url)
    assert not isinstance(outcome, Halt)
    assert outcome.verdict is not None
    assert outcome.verdict.label is Topic.QUOTE
    assert outcome.verdict.model == "gpt-x-2026-01-01"
    assert outcome.usage == Usage(input_tokens=40, output_tokens=7, cache_read_tokens=60)
