"""A model that does what the text says: its label is in the taxonomy, or the item is invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kclassify.classifier import Classifier
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import OutcomeKind
from kclassify.testing import StubMessagesAPI
from kclassify.testing.hostile import HOSTILE_LABELS, Obedient, demand, look_alikes
from tests.classifier.taxonomy import KEY, TAXONOMY

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = [str(label) for label in TAXONOMY.labels]
WANTED = [
    *HOSTILE_LABELS[::2],
    *look_alikes("playbook"),
    *("", "convention", "null", "\ud800", "x" * 2_000, "not-in-the-taxonomy"),
]
FAULTS = (
    "its label is not an active category",
    "its confidence is outside [0, 1]",
    "the reply is not the JSON object that was asked for",
)


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Obedient()) as running:
        yield running


async def test_a_label_that_the_text_demands_is_invalid(stub: StubMessagesAPI) -> None:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        for label in WANTED:
            outcome = await made.judge(Item(key=1, body=demand(label, 0.99)))
            assert not isinstance(outcome, Halt), ascii(label)
            assert outcome.kind is OutcomeKind.INVALID, ascii(label)
            assert outcome.verdict is None
            assert outcome.detail.isprintable(), ascii(label)
    second_turns = {
        turn["content"] for record in stub.requests for turn in (record.body or {})["messages"][1:]
    }
    assert len(second_turns) <= len(FAULTS)
    assert all(any(fault in turn for fault in FAULTS) for turn in second_turns)


@pytest.mark.parametrize("confidence", [99, 1.0001, -0.1, -99, 1e308, float("inf"), float("nan")])
async def test_a_confidence_that_the_text_demands_is_invalid(
    stub: StubMessagesAPI, confidence: float
) -> None:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        outcome = await made.judge(Item(key=1, body=demand("playbook", confidence)))
    assert not isinstance(outcome, Halt)
    assert outcome.kind is OutcomeKind.INVALID
    assert FAULTS[0] not in str((stub.requests[-1].body or {})["messages"][-1])


async def test_the_most_that_a_text_can_do_is_to_choose_among_the_categories(
    stub: StubMessagesAPI,
) -> None:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        for label in LABELS:
            verdict = await made.classify(demand(label, 1.0))
            assert (verdict.label, verdict.confidence) == (label, 1.0)


def test_look_alikes_look_like_a_label_and_are_none() -> None:
    found = look_alikes("playbook")
    assert "\u0440l\u0430\u0443b\u043e\u043ek" in found
    assert "playbook" not in found
