"""What a call costs, what nobody knows of it, and what it can cost at most: over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kclassify.classifier import Classifier
from kclassify.classifier.prices import price_of
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.spending import NOTHING
from kclassify.core.token_estimate import most_tokens
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.ports import Metered
from kclassify.testing import (
    BrokenBody,
    BrokenJson,
    Fault,
    Fixed,
    Hang,
    Overloaded,
    Refusal,
    Reset,
    ResetAtOnce,
    StubMessagesAPI,
    Throttled,
    Truncation,
    Unauthorized,
    WrongLabel,
)
from tests.classifier.canned import canned, message_body
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic
from tests.flat_price import flat_price

PRICE = replace(flat_price(), output=Decimal(5), cache_write=Decimal(2), cache_write_1h=Decimal(3))
ONE_DOLLAR = flat_price()
BOTH = 2
"""Questions of an item."""


def classifier(url: str, **settings: Any) -> Classifier[Topic]:
    return Classifier(TAXONOMY, base_url=url, api_key=KEY, **settings)


async def outcome_at(url: str, item: Item = ITEM, **settings: Any) -> Outcome[Topic]:
    async with classifier(url, **settings) as made:
        outcome = await made.judge(item)
    assert not isinstance(outcome, Halt)
    return outcome


def worst_question(*, again: bool = False) -> int:
    worst = classifier("http://x.invalid")._meter.worst(rendered(), again=again)
    assert worst is not None
    return worst


def rendered() -> str:
    return classifier("http://x.invalid")._prompt.render(ITEM).user


async def test_a_call_costs_its_tokens(stub: StubMessagesAPI) -> None:
    outcome = await outcome_at(stub.url, price=PRICE)
    assert outcome.usage.input_tokens > 0
    assert outcome.cost == PRICE.cost(outcome.usage)
    assert outcome.uncertain == 0


async def test_a_model_that_is_known_has_the_built_in_price(stub: StubMessagesAPI) -> None:
    outcome = await outcome_at(stub.url)
    known = price_of("claude-haiku-4-5")
    assert known is not None
    assert outcome.cost == known.cost(outcome.usage)


async def test_a_model_without_a_price_has_no_cost_and_no_worst_case(stub: StubMessagesAPI) -> None:
    stub.script([None, BrokenJson(), None, Reset()])
    async with classifier(stub.url, model="anthropic/claude-nobody") as made:
        for uncertain in (0, 0, None):
            outcome = await made.judge(ITEM)
            assert isinstance(outcome, Outcome)
            assert (outcome.cost, outcome.uncertain) == (None, uncertain)
        assert made.worst_case(ITEM) is made.worst_case(Item(key=1, body="")) is None
        assert made.warms_cache is None
        assert made.advice == ()


async def test_both_questions_are_on_the_bill(stub: StubMessagesAPI) -> None:
    stub.script([BrokenJson(), WrongLabel()])
    outcome = await outcome_at(stub.url, price=ONE_DOLLAR)
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.cost == 1000 * (outcome.usage.input_tokens + outcome.usage.output_tokens)
    assert stub.count == BOTH


@pytest.mark.parametrize("fault", [Refusal(), Truncation()])
async def test_an_answer_that_is_no_label_costs_the_same(
    stub: StubMessagesAPI, fault: Fault
) -> None:
    stub.set_fault(fault)
    outcome = await outcome_at(stub.url, price=ONE_DOLLAR)
    assert outcome.cost == 1000 * (outcome.usage.input_tokens + outcome.usage.output_tokens) > 0


@pytest.mark.parametrize("fault", [Overloaded(), Throttled()])
async def test_an_error_costs_nothing(stub: StubMessagesAPI, fault: Fault) -> None:
    stub.set_fault(fault)
    outcome = await outcome_at(stub.url)
    assert (outcome.cost, outcome.uncertain) == (0, 0)


@pytest.mark.parametrize("status", [502, 504, 524])
async def test_what_a_gateway_says_of_a_server_it_lost_may_cost_the_worst(status: int) -> None:
    with canned(status, "<h1>Bad gateway</h1>") as url:
        outcome = await outcome_at(url)
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert (outcome.cost, outcome.uncertain) == (0, worst_question())


async def test_who_is_not_reached_bills_nothing(stub: StubMessagesAPI) -> None:
    url = stub.url
    stub.pause_listening()
    for address in (url, "http://no-such-host.invalid"):
        outcome = await outcome_at(address)
        assert outcome.kind is OutcomeKind.UNAVAILABLE
        assert (outcome.cost, outcome.uncertain) == (0, 0)


async def test_a_body_that_is_empty_asks_nobody_and_costs_nothing(stub: StubMessagesAPI) -> None:
    empty = Item(key=1, body=" ")
    outcome = await outcome_at(stub.url, empty)
    assert (outcome.kind, outcome.cost, outcome.uncertain) == (OutcomeKind.EMPTY, 0, 0)
    assert classifier(stub.url).worst_case(empty) == 0


@pytest.mark.parametrize("fault", [Reset(), ResetAtOnce(), BrokenBody(), Hang()])
async def test_an_answer_that_nobody_saw_may_cost_the_worst_of_one_question(
    stub: StubMessagesAPI, fault: Fault
) -> None:
    stub.set_fault(fault)
    outcome = await outcome_at(stub.url, timeout_s=0.5)
    assert outcome.kind.is_availability
    assert (outcome.cost, outcome.uncertain) == (0, worst_question())


@pytest.mark.parametrize("fault", [Reset(), BrokenBody(), Hang()])
async def test_only_the_second_question_is_uncertain_after_a_first_answer(
    stub: StubMessagesAPI, fault: Fault
) -> None:
    stub.script([BrokenJson(), fault])
    outcome = await outcome_at(stub.url, timeout_s=1)
    known = price_of("claude-haiku-4-5")
    assert known is not None
    assert outcome.usage.input_tokens > 0
    assert outcome.cost == known.cost(outcome.usage)
    assert outcome.uncertain == worst_question(again=True) > worst_question()


async def test_an_answer_that_tells_of_no_tokens_may_cost_the_worst() -> None:
    body = message_body('{"label": "quote", "confidence": 1}')
    with canned(200, {**body, "usage": {"input_tokens": 0, "output_tokens": 0}}) as url:
        outcome = await outcome_at(url)
    assert outcome.kind is OutcomeKind.JUDGED
    assert (outcome.cost, outcome.uncertain) == (0, worst_question())


async def test_a_halt_after_a_first_answer_tells_what_that_cost(stub: StubMessagesAPI) -> None:
    stub.script([BrokenJson(), Unauthorized(), Unauthorized()])
    async with classifier(stub.url, price=ONE_DOLLAR) as made:
        paid, free = await made.judge(ITEM), await made.judge(ITEM)
    assert isinstance(paid, Halt)
    assert isinstance(free, Halt)
    used = paid.charge.usage
    assert paid.charge.cost == 1000 * (used.input_tokens + used.output_tokens) > 0
    assert (paid.charge.calls, paid.charge.questions) == (1, 1)
    assert (paid, free.charge) == (free, NOTHING)


@pytest.mark.parametrize("fault", [Reset(), Hang()])
async def test_a_question_that_may_have_been_answered_counts(
    stub: StubMessagesAPI, fault: Fault
) -> None:
    assert (await outcome_at(stub.url)).questions == 1
    stub.script([BrokenJson(), None, BrokenJson(), fault, BrokenJson(), Overloaded()])
    told = [await outcome_at(stub.url, timeout_s=1) for _ in range(3)]
    assert [each.questions for each in told] == [2, 2, 1]


texts = {
    "plain": "word " * 100,
    "long": "word " * 10_000,
    "other scripts": "漢字かな" * 500 + "Ελληνικά" * 100,
    "signs that are longer in their other form": "\ufdfa\u3392" * 1000,
    "controls": "\x00\x01\x1b\u2028" * 500,
    "no text at all": "\ud800\udfff" * 500,
    "fences": "</item-1><body></title>&lt;" * 300,
    "quotes": '"\\' * 2000,
}


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "openai/gpt-4o"])
async def test_the_worst_case_holds_a_token_for_each_byte_that_is_sent(
    stub: StubMessagesAPI, model: str
) -> None:
    stub.set_fault(WrongLabel())
    url = stub.url if "/" not in model else f"{stub.url}/v1"
    async with classifier(url, model=model, price=ONE_DOLLAR, max_tokens=50) as made:
        for name, text in texts.items():
            stub.clear()
            item = Item(key=1, title=text[:100], body=text)
            worst = made.worst_case(item)
            await made.judge(item)
            assert stub.count == BOTH
            assert worst is not None
            sent = sum(map(bytes_of, (record.body or {} for record in stub.requests)))
            assert sent + BOTH * 50 <= worst // 1000, name
            assert worst // 1000 <= 1.5 * (sent + BOTH * 1_100), name


def bytes_of(body: Any) -> int:
    """Of all texts in a request, however it is written down."""
    if isinstance(body, dict):
        return sum(most_tokens(name) + bytes_of(value) for name, value in body.items())
    if isinstance(body, list):
        return sum(map(bytes_of, body))
    return most_tokens(body) if isinstance(body, str) else len(json.dumps(body))


async def test_cache_writes_of_an_hour_are_priced_as_such() -> None:
    body = message_body('{"label": "quote", "confidence": 1}')
    usage = {**usage_of(0), "cache_creation_input_tokens": 1000}
    costs: list[int | None] = []
    with canned(200, {**body, "usage": usage}) as url:
        for cache in ("5m", "1h"):
            outcome = await outcome_at(url, cache=cache, price=PRICE)
            assert outcome.usage == Usage(0, 0, 1000, 0)
            costs.append(outcome.cost)
    assert costs == [2_000_000, 3_000_000]
    shorter, longer = (
        classifier("http://x.invalid", cache=cache, price=PRICE).worst_case(ITEM) or 0
        for cache in ("5m", "1h")
    )
    assert 0 < shorter < longer


def usage_of(tokens: int) -> dict[str, int]:
    return {"input_tokens": tokens, "output_tokens": tokens}


async def test_tokens_that_openai_caches_are_counted_once() -> None:
    details = {"cached_tokens": 30, "cache_write_tokens": 20}
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-6-luna",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": '{"label": "quote", "confidence": 1}'},
            }
        ],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "total_tokens": 107,
            "prompt_tokens_details": details,
        },
    }
    with canned(200, body) as url:
        outcome = await outcome_at(f"{url}/v1", model="openai/gpt-6-luna")
    assert outcome.usage == Usage(50, 7, 20, 30)
    assert outcome.cost == 50 * 100 + 7 * 500 + 20 * 125 + 30 * 10


def test_a_classifier_is_metered() -> None:
    assert isinstance(classifier("http://x.invalid"), Metered)


async def test_the_bill_is_what_calls_cost_and_at_most_what_nobody_knows_more(
    stub: StubMessagesAPI,
) -> None:
    mixed: list[Fault | None] = [None, BrokenJson(), Overloaded(), Refusal(), Truncation()]
    stub.script([*mixed, WrongLabel(), WrongLabel(), Throttled(), Reset(), BrokenJson(), Hang()])
    items = [Item(key=key, body=f"text {key}: " + "word " * key**2) for key in range(9)]
    async with classifier(stub.url, timeout_s=1, cache="off") as made:
        outcomes = [await made.judge(item) for item in items]
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    told = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    cost, uncertain = (sum(getattr(each, name) for each in told) for name in ("cost", "uncertain"))
    assert sum(outcome.uncertain != 0 for outcome in told) == BOTH  # the reset one and the hung one
    assert 0 < cost <= stub.bill.nanodollars <= cost + uncertain


async def test_caches_are_billed_as_they_are_metered() -> None:
    for cache in ("5m", "1h"):
        with StubMessagesAPI(Fixed("playbook", 0.9), min_cache_tokens=1) as stub:
            async with classifier(stub.url, cache=cache) as made:
                outcomes = [await made.judge(Item(key=key, body="text " * key)) for key in (1, 2)]
            bill = stub.bill
        costs = [outcome.cost or 0 for outcome in outcomes if isinstance(outcome, Outcome)]
        assert sum(costs) == bill.nanodollars
        assert costs[1] < costs[0]
