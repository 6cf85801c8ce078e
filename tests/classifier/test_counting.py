"""Tokens are counted by the provider as it will bill them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest

from kclassify.classifier.counting import NotCounted, TokenCounter, count_tokens, prefix_tokens
from kclassify.core.item import Item
from kclassify.prompt import Prompt
from kclassify.testing import (
    BadRequest,
    FaultPlan,
    Fixed,
    FixedLatency,
    Overloaded,
    PlannedFault,
    PlannedLatency,
    ScriptedClassifier,
    StubMessagesAPI,
    Throttled,
    Unauthorized,
)
from tests.classifier.batching import batching
from tests.classifier.taxonomy import ITEM, TAXONOMY

ITEMS = [Item(key=n, title="title " * n, body="word " * (n * n + 1)) for n in range(25)]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.classifier import Classifier
    from kclassify.testing.faults import Fault


async def test_the_count_is_what_the_call_is_billed_for(stub: StubMessagesAPI) -> None:
    async with batching(stub.url, cache="off") as classifier:
        counts = await count_tokens(classifier, ITEMS[:5])
        billed: list[int] = []
        for item in ITEMS[:5]:
            outcome: Any = await classifier.judge(item)
            billed.append(outcome.usage.input_tokens)
    assert counts == billed
    assert len(set(billed)) == 5


async def test_what_is_counted_is_what_is_sent(stub: StubMessagesAPI) -> None:
    async with batching(stub.url) as classifier:
        await count_tokens(classifier, [ITEM])
        await classifier.judge(ITEM)
    counted, sent = (record.body for record in stub.requests)
    assert counted is not None
    assert sent is not None
    assert {**counted, "max_tokens": 1024} == sent


async def test_the_prefix_and_the_rest_are_the_whole(stub: StubMessagesAPI) -> None:
    async with batching(stub.url) as classifier:
        prefix = await prefix_tokens(classifier)
        counts = await count_tokens(classifier, ITEMS[:2])
    assert isinstance(prefix, int)
    assert isinstance(counts, list)
    asked: Mapping[str, Any] = stub.requests[-1].body or {}
    shared = "".join(block["text"] for block in asked["system"])
    message = Prompt(TAXONOMY).render(ITEMS[0]).user
    assert prefix >= len(shared) // 4
    assert counts[0] - prefix == pytest.approx(len(message) / 4, abs=2)


async def test_ten_are_asked_at_once_and_answered_in_order() -> None:
    slow = PlannedLatency(latency=FixedLatency(0.02), endpoint="count_tokens")
    with StubMessagesAPI(Fixed("quote", 0.5), plan=FaultPlan((slow,))) as stub:
        async with batching(stub.url) as classifier:
            counts = await count_tokens(classifier, ITEMS)
        assert isinstance(counts, list)
        assert counts == sorted(counts)
        assert counts[0] < counts[-1]
        assert (stub.max_in_flight, stub.count) == (10, 25)
        assert stub.bill.answers == 0


class Waits:
    """The time between two questions, which the test owns."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await anyio.lowlevel.checkpoint()


def patient(classifier: Classifier[Any]) -> tuple[TokenCounter, Waits]:
    counter, waits = classifier.token_counter, Waits()
    assert counter is not None
    return replace(counter, wait=waits), waits


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Throttled(), [0.5, 1.0]),
        (Throttled(retry_after=7), [7.0, 7.0]),
        (Throttled(retry_after=30), [30.0, 30.0]),
        (Overloaded(), [0.5, 1.0]),
    ],
)
async def test_what_the_provider_is_too_busy_for_is_counted_later(
    fault: Fault, seconds: list[float]
) -> None:
    plan = FaultPlan((PlannedFault(fault=fault, last=1),))
    with StubMessagesAPI(Fixed("quote", 0.5), plan=plan) as stub:
        async with batching(stub.url) as classifier:
            counter, waits = patient(classifier)
            assert isinstance(await counter.count([ITEM]), list)
    assert waits.seconds == seconds


async def test_one_busy_moment_does_not_end_the_counting() -> None:
    plan = FaultPlan((PlannedFault(fault=Throttled(retry_after=1), first=3, last=5),))
    with StubMessagesAPI(Fixed("quote", 0.5), plan=plan) as stub:
        async with batching(stub.url) as classifier:
            counter, _ = patient(classifier)
            counts = await counter.count(ITEMS)
        assert isinstance(counts, list)
        assert counts == sorted(counts)
        assert stub.count == 28


async def test_a_provider_that_stays_busy_does_not_count(stub: StubMessagesAPI) -> None:
    stub.set_fault(Overloaded())
    async with batching(stub.url) as classifier:
        counter, waits = patient(classifier)
        told = await counter.count([ITEM])
    assert told == NotCounted("anthropic does not count tokens now: 529 (Overloaded)")
    assert waits.seconds == [0.5, 1.0, 2.0]
    assert stub.count == 4


@pytest.mark.parametrize("fault", [Throttled(retry_after=31), BadRequest(), Unauthorized()])
async def test_what_will_not_be_counted_soon_ends_the_counting(
    stub: StubMessagesAPI, fault: Fault
) -> None:
    stub.set_fault(fault)
    async with batching(stub.url) as classifier:
        counter, waits = patient(classifier)
        assert isinstance(await counter.count(ITEMS), NotCounted)
    assert waits.seconds == []
    assert stub.count <= 10


async def test_no_items_are_no_tokens() -> None:
    assert await count_tokens(batching(), []) == []


async def test_who_has_no_such_endpoint_says_so() -> None:
    scripted = ScriptedClassifier(TAXONOMY, lambda _: "quote")
    for other in (batching(model="openai/gpt-x", transport="direct"), scripted):
        reason = f"{other.model} has no endpoint that counts tokens"
        assert await count_tokens(other, [ITEM]) == NotCounted(reason)
        assert await prefix_tokens(other) == NotCounted(reason)
