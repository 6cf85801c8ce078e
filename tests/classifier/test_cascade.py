"""A cheap model first, a dearer one where it is not sure: both over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import kclassify
from kclassify.classifier import Cascade, Classifier
from kclassify.classifier.from_settings import Costs, make_classifier
from kclassify.config import ClassifierSettings
from kclassify.config.settings import CascadeSettings, PriceSettings
from kclassify.core.decision import Done, Halt
from kclassify.core.item import Item
from kclassify.core.price import Price
from kclassify.core.spending import NOTHING
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.errors import ConfigError
from kclassify.ports import AsksInBatches, Explained, Metered
from kclassify.runner import ReclassifyRunner
from kclassify.testing import (
    BadRequest,
    Fault,
    Fixed,
    Overloaded,
    Refusal,
    Reset,
    Rule,
    StubMessagesAPI,
    Truncation,
    Unauthorized,
    WrongLabel,
)
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_table import MemoryTable
from tests.classifier.taxonomy import KEY, TAXONOMY, Topic
from tests.flat_price import flat_price

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

CHEAP = flat_price("1")
DEAR = flat_price("10")
BOTH = 2
SURE = Item(key=1, body="First this, then that: 0.9")
UNSURE = Item(key=2, body="First this, perhaps that: 0.89")
"""The first model is as confident as the end of a text says."""


def first_says(text: str, _: tuple[str, ...]) -> tuple[str, float]:
    return "playbook", float(text.rsplit(maxsplit=1)[-1])


@pytest.fixture
def stub() -> Generator[StubMessagesAPI]:
    with StubMessagesAPI(Rule(first_says)) as running:
        yield running


@pytest.fixture
def dear() -> Generator[StubMessagesAPI]:
    with StubMessagesAPI(Fixed("insight", 0.6)) as running:
        yield running


def models(
    stub: StubMessagesAPI, dear: StubMessagesAPI
) -> tuple[Classifier[Topic], Classifier[Topic]]:
    return (
        Classifier(TAXONOMY, model="cheap", base_url=stub.url, api_key=KEY, price=CHEAP),
        Classifier(TAXONOMY, model="dear", base_url=dear.url, api_key=KEY, price=DEAR),
    )


@pytest.fixture
async def cascade(stub: StubMessagesAPI, dear: StubMessagesAPI) -> AsyncGenerator[Cascade[Topic]]:
    """The first says playbook with 0.9, the second insight with 0.6."""
    first, second = models(stub, dear)
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Cascade(first, second, below=0.9))


async def judged(cascade: Cascade[Topic], item: Item = UNSURE) -> Outcome[Topic]:
    outcome = await cascade.judge(item)
    assert isinstance(outcome, Outcome)
    return outcome


def cost_of(outcome: Outcome[Topic], first: int) -> int:
    """Nanodollars, of so many tokens at the price of the first and the rest at the second's."""
    tokens = outcome.usage.input_tokens + outcome.usage.output_tokens
    return 1000 * first + 10_000 * (tokens - first)


async def tokens_of(classifier: Classifier[Topic]) -> int:
    async with classifier:
        usage = (await classifier.classify(UNSURE.body)).usage
    return usage.input_tokens + usage.output_tokens


async def test_a_first_that_is_sure_enough_is_asked_alone(
    cascade: Cascade[Topic], dear: StubMessagesAPI
) -> None:
    outcome = await judged(cascade, SURE)
    assert outcome.verdict is not None
    assert (outcome.verdict.label, outcome.verdict.model) == (Topic.PLAYBOOK, "cheap")
    assert outcome.cost == 1000 * (outcome.usage.input_tokens + outcome.usage.output_tokens)
    assert dear.count == 0


async def test_one_that_is_not_is_overruled_and_both_are_paid(
    cascade: Cascade[Topic], stub: StubMessagesAPI, dear: StubMessagesAPI
) -> None:
    alone = await tokens_of(models(stub, dear)[0])
    outcome = await judged(cascade)
    assert outcome.verdict is not None
    assert (outcome.verdict.label, outcome.verdict.confidence) == (Topic.INSIGHT, 0.6)
    assert outcome.verdict.model == "dear"
    assert outcome.verdict.usage == outcome.usage
    assert outcome.cost == cost_of(outcome, alone)
    assert dear.count == 1


@pytest.mark.parametrize("fault", [WrongLabel(), Refusal(), Truncation()])
async def test_without_a_label_of_the_first_the_second_is_asked(
    cascade: Cascade[Topic], stub: StubMessagesAPI, fault: Fault
) -> None:
    stub.set_fault(fault)
    assert (await judged(cascade, SURE)).kind is OutcomeKind.JUDGED


async def test_the_second_is_not_asked_what_the_first_could_not_be(
    cascade: Cascade[Topic], stub: StubMessagesAPI, dear: StubMessagesAPI
) -> None:
    stub.script([Overloaded(), BadRequest(), Unauthorized()])
    assert (await judged(cascade)).kind is OutcomeKind.UNAVAILABLE
    assert (await judged(cascade)).kind is OutcomeKind.REJECTED
    assert isinstance(await cascade.judge(UNSURE), Halt)
    empty = await cascade.judge(Item(key=1, body=""))
    assert isinstance(empty, Outcome)
    assert (empty.kind, empty.cost) == (OutcomeKind.EMPTY, 0)
    assert dear.count == 0


@pytest.mark.parametrize(("fault", "is_uncertain"), [(Overloaded(), False), (Reset(), True)])
async def test_what_the_first_cost_is_charged_where_the_second_is_not_there(
    cascade: Cascade[Topic],
    stub: StubMessagesAPI,
    dear: StubMessagesAPI,
    fault: Fault,
    is_uncertain: bool,
) -> None:
    dear.set_fault(fault)
    outcome = await judged(cascade)
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert outcome.cost == 1000 * (outcome.usage.input_tokens + outcome.usage.output_tokens) > 0
    assert (outcome.uncertain != 0) == is_uncertain


async def test_a_halt_of_the_second_tells_once_what_the_first_cost(
    cascade: Cascade[Topic], stub: StubMessagesAPI, dear: StubMessagesAPI
) -> None:
    dear.set_fault(Unauthorized())
    paid, free = await cascade.judge(UNSURE), await cascade.judge(UNSURE)
    assert isinstance(paid, Halt)
    assert isinstance(free, Halt)
    used = paid.charge.usage
    assert paid.charge.cost == 1000 * (used.input_tokens + used.output_tokens) > 0
    assert free.charge == NOTHING
    dear.set_fault(None)
    assert (await judged(cascade)).kind is OutcomeKind.JUDGED
    assert stub.count == 1


async def test_the_first_is_paid_once_however_often_the_second_is_asked(
    cascade: Cascade[Topic], stub: StubMessagesAPI, dear: StubMessagesAPI
) -> None:
    alone = await tokens_of(models(stub, dear)[0])
    dear.script([Overloaded(), Overloaded()])
    lost, again, answered = [await judged(cascade) for _ in range(3)]
    assert (lost.cost, again.cost, lost.questions) == (1000 * alone, 0, 1)
    assert answered.verdict is not None
    assert answered.verdict.label is Topic.INSIGHT
    assert answered.cost == cost_of(answered, 0) > 0
    assert stub.count == 2  # by itself, and in the cascade
    assert (await judged(cascade)).questions == BOTH  # what was answered is kept by a ledger
    assert stub.count == 3


async def test_what_is_kept_of_the_first_is_bounded(
    cascade: Cascade[Topic],
    stub: StubMessagesAPI,
    dear: StubMessagesAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kclassify.classifier.cascade._MOST_KEPT", 1)
    dear.set_fault(Overloaded())
    other = Item(key=3, body="Neither: 0.1")
    for item in (UNSURE, other, other, UNSURE):
        await cascade.judge(item)
    assert stub.count == 3


async def test_a_run_pays_the_first_once_a_text_and_charges_what_a_halt_cost(
    stub: StubMessagesAPI, dear: StubMessagesAPI
) -> None:
    source = MemoryTable([Item(key=n, body=f"{n}: 0.5", current="quote") for n in range(6)])
    ledger = MemoryLedger()
    async with Cascade(*models(stub, dear)) as cascade:
        run = ReclassifyRunner(source=source, classifier=cascade, ledger=ledger, name="r")
        dear.set_fault(Unauthorized())
        assert isinstance(await run.dry_run(), Halt)
        dear.set_fault(None)
        assert await run.dry_run() == Done()
    charge = ledger.spending("r").charge
    assert (stub.count, dear.bill.answers) == (6, 6)
    assert charge.usage == stub.bill.usage + dear.bill.usage
    assert charge.questions == 12


def test_the_worst_is_that_both_are_asked(stub: StubMessagesAPI, dear: StubMessagesAPI) -> None:
    first, second = models(stub, dear)
    ones = [one.worst_case(UNSURE) or 0 for one in (first, second)]
    assert Cascade(first, second).worst_case(UNSURE) == sum(ones)
    assert ones[1] > ones[0] > 0


def test_without_a_price_of_either_there_is_no_worst_case(stub: StubMessagesAPI) -> None:
    first, _ = models(stub, stub)
    unpriced = Classifier(TAXONOMY, model="nobody", base_url=stub.url, api_key=KEY)
    for pair in ((first, unpriced), (unpriced, first)):
        assert Cascade(*pair).worst_case(UNSURE) is None


def test_the_first_is_kept_warm_and_both_advise(stub: StubMessagesAPI) -> None:
    def model(name: str, fewest: int) -> Classifier[Topic]:
        price = flat_price(min_cache_tokens=fewest)
        return Classifier(TAXONOMY, model=name, base_url=stub.url, api_key=KEY, price=price)

    warm, cold = model("warm", 1), model("cold", 9999)
    assert Cascade(warm, cold).warms_cache == 300
    assert Cascade(cold, warm).warms_cache is None
    assert Cascade(warm, cold).advice == cold.advice == Cascade(cold, warm).advice != ()


def test_the_fingerprint_is_of_both_and_of_where_the_second_is_asked(
    stub: StubMessagesAPI,
) -> None:
    first, second = models(stub, stub)
    made = Cascade(first, second)
    others = [Cascade(second, first), Cascade(first, second, 0.8), Cascade(first, first)]
    assert len({one.fingerprint for one in (made, *others)}) == 4
    assert Cascade(first, second, 0.75).fingerprint == made.fingerprint
    assert made.fingerprint_parts["second"] == second.fingerprint
    assert isinstance(made, Explained)
    assert isinstance(made, Metered)
    assert not isinstance(made, AsksInBatches)


def test_two_taxonomies_and_no_confidence_make_no_cascade(stub: StubMessagesAPI) -> None:
    first, second = models(stub, stub)
    other = Taxonomy.of(Topic, definitions=dict.fromkeys(Topic, "x"))
    stranger = Classifier(other, base_url=stub.url, api_key=KEY)
    with pytest.raises(ConfigError, match="the same taxonomy"):
        Cascade(first, stranger)
    for below in (0, 1.01, float("nan")):
        with pytest.raises(ConfigError, match="below is more than 0"):
            Cascade(first, second, below)


async def test_settings_make_one_with_the_prices_they_give(stub: StubMessagesAPI) -> None:
    settings = ClassifierSettings(model="cheap", base_url=stub.url)
    price = PriceSettings(input=Decimal(1), output=Decimal(1))
    prices = {"anthropic/cheap": price, "anthropic/dear": price}
    costs = Costs(prices=prices, cascade=CascadeSettings(model="dear", below=0.9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_API_KEY", KEY)
        made = make_classifier(TAXONOMY, settings, None, 10, costs)
    assert isinstance(made, Cascade)
    assert made.model == "anthropic/cheap, then anthropic/dear"
    outcome = await made.judge(UNSURE)
    await made.aclose()
    assert isinstance(outcome, Outcome)
    assert outcome.cost == 1000 * (outcome.usage.input_tokens + outcome.usage.output_tokens) > 0
    assert [(record.body or {})["model"] for record in stub.requests] == ["cheap", "dear"]


async def test_settings_of_one_model_say_how_it_is_cached_and_travels(
    stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    settings = ClassifierSettings(base_url=stub.url, cache="1h", transport="batch")
    made = make_classifier(TAXONOMY, settings, None, 10)
    assert isinstance(made, AsksInBatches)
    assert made.batches is not None
    await made.judge(UNSURE)
    await made.aclose()
    mark: Any = (stub.requests[0].body or {})["system"][-1]["cache_control"]
    assert mark == {"type": "ephemeral", "ttl": "1h"}


def test_batches_are_for_one_model_of_anthropic() -> None:
    batch = ClassifierSettings(model="openai/gpt-4o", transport="batch")
    with pytest.raises(ConfigError, match=r"openai/gpt-4o .*: batches are for Anthropic's models"):
        make_classifier(TAXONOMY, batch, None, 10)
    cascade = Costs(cascade=CascadeSettings(model="dear"))
    with pytest.raises(ConfigError, match=r"\[cascade\] asks directly"):
        make_classifier(TAXONOMY, ClassifierSettings(transport="batch"), None, 10, cascade)


def test_an_application_finds_it_by_name() -> None:
    assert kclassify.Cascade is Cascade
    assert kclassify.Price is Price
