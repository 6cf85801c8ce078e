from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import anthropic
import anyio
import pytest

from kclassify.testing import (
    BatchRules,
    FaultPlan,
    Fixed,
    Hang,
    Overloaded,
    PlannedFault,
    Refusal,
    Rule,
    StubMessagesAPI,
    WrongLabel,
    plans,
)
from tests.testing.asking import MODEL, arguments, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

HOLDS = BatchRules(seconds=None)


def client(stub: StubMessagesAPI) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=stub.url, api_key="sk-secret", max_retries=0)


def requests(*bodies: str, **changes: Any) -> Any:
    return [
        {"custom_id": f"item-{place}", "params": arguments(body, **changes)}
        for place, body in enumerate(bodies)
    ]


def counts(batch: MessageBatch) -> dict[str, int]:
    return {name: count for name, count in batch.request_counts.to_dict().items() if count}  # type: ignore[misc]


def read(
    asked: anthropic.Anthropic, batch: MessageBatch
) -> dict[str, MessageBatchIndividualResponse]:
    return {each.custom_id: each for each in asked.messages.batches.results(batch.id)}


def outcomes(asked: anthropic.Anthropic, batch: MessageBatch) -> dict[str, str]:
    results = read(asked, batch)
    return {
        name: result.error.error.type
        if (result := results[name].result).type == "errored"
        else result.type
        for name in sorted(results)
    }


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    rule = Rule(lambda text, labels: (labels[len(text) % len(labels)], 0.5))
    with StubMessagesAPI(rule, batch_rules=HOLDS) as stub:
        yield stub


def test_a_batch_is_in_progress_until_it_ends_and_then_has_its_results(
    stub: StubMessagesAPI,
) -> None:
    with client(stub) as asked:
        created = asked.messages.batches.create(requests=requests("a", "bb", "ccc"))
        assert created.processing_status == "in_progress"
        assert counts(created) == {"processing": 3}
        assert created.expires_at - created.created_at == timedelta(hours=24)
        assert (created.ended_at, created.results_url) == (None, None)
        assert asked.messages.batches.retrieve(created.id) == created
        with pytest.raises(anthropic.NotFoundError, match="no results yet"):
            asked.get(f"/v1/messages/batches/{created.id}/results", cast_to=object)
        stub.end_batches()
        ended = asked.messages.batches.retrieve(created.id)
        assert (ended.processing_status, counts(ended)) == ("ended", {"succeeded": 3})
        assert ended.ended_at is not None
        results = read(asked, ended)
    for place, body in enumerate(("a", "bb", "ccc")):
        result = results[f"item-{place}"].result
        assert result.type == "succeeded"
        alone = stub_says(stub, body)
        assert (said(result.message), result.message.usage) == (said(alone), alone.usage)


def stub_says(stub: StubMessagesAPI, body: str) -> anthropic.types.Message:
    with client(stub) as asked:
        message: anthropic.types.Message = asked.messages.create(**arguments(body))
    return message


async def test_the_asynchronous_client_is_served_alike(stub: StubMessagesAPI) -> None:
    async with anthropic.AsyncAnthropic(
        base_url=stub.url, api_key="sk-secret", max_retries=0
    ) as asked:
        batch = await asked.messages.batches.create(requests=requests("a", "b"))
        await anyio.to_thread.run_sync(stub.end_batches)
        results = [each async for each in await asked.messages.batches.results(batch.id)]
        listed = [each.id async for each in asked.messages.batches.list()]
    assert {each.custom_id for each in results} == {"item-0", "item-1"}
    assert listed == [batch.id]


def test_without_rules_a_batch_has_ended_when_it_is_first_asked_after() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub, client(stub) as asked:
        created = asked.messages.batches.create(requests=requests("a"))
        assert created.processing_status == "in_progress"
        assert asked.messages.batches.retrieve(created.id).processing_status == "ended"


def test_batches_take_their_time_on_the_clock_of_the_stub() -> None:
    now = 0.0
    rules = BatchRules(seconds=60)
    with (
        StubMessagesAPI(Fixed("pattern"), batch_rules=rules, clock=lambda: now) as stub,
        client(stub) as asked,
    ):
        created = asked.messages.batches.create(requests=requests("a"))
        now = 59.9
        assert asked.messages.batches.retrieve(created.id).ended_at is None
        now = 100.0
        ended = asked.messages.batches.retrieve(created.id)
        assert ended.ended_at == created.created_at + timedelta(seconds=60)


def test_results_come_in_an_order_of_their_own_that_the_seed_decides() -> None:
    orders = []
    for seed in (1, 1, 2):
        rules = BatchRules(seed=seed)
        with StubMessagesAPI(Fixed("pattern"), batch_rules=rules) as stub, client(stub) as asked:
            batch = asked.messages.batches.create(requests=requests(*"abcdefgh"))
            orders.append(list(read(asked, batch)))
    assert orders[0] == orders[1] != orders[2]
    assert all(order != sorted(order) for order in orders)


def test_lists_are_paged_from_the_newest_on_in_both_directions(stub: StubMessagesAPI) -> None:
    with client(stub) as asked:
        made = [asked.messages.batches.create(requests=requests("a")).id for _ in range(5)]
        newest = made[::-1]
        assert [batch.id for batch in asked.messages.batches.list(limit=2)] == newest
        first = asked.messages.batches.list(limit=2)
        assert (first.first_id, first.last_id, first.has_more) == (newest[0], newest[1], True)
        last = asked.messages.batches.list(limit=2, after_id=newest[2])
        assert ([batch.id for batch in last.data], last.has_more) == (newest[3:], False)
        before = asked.messages.batches.list(limit=2, before_id=newest[3])
        assert ([batch.id for batch in before.data], before.has_more) == (newest[1:3], True)
        wrongs: list[Any] = [{"limit": 0}, {"limit": 1001}, {"after_id": "other"}]
        for wrong in wrongs:
            with pytest.raises(anthropic.BadRequestError):
                asked.messages.batches.list(**wrong)
        assert asked.messages.batches.list(limit=1000).has_more is False


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "requests: "),
        ([{"custom_id": "a b", "params": {}}], "requests.0.custom_id: "),
        ([{"custom_id": "x" * 65, "params": {}}], "requests.0.custom_id: "),
        ([{"custom_id": "a\n", "params": {}}], "requests.0.custom_id: "),
        ([{"custom_id": "a", "params": {}}] * 2, "custom_id a is not unique"),
        ([{"custom_id": f"{n}", "params": {}} for n in range(4)], "a batch holds 3 requests"),
    ],
)
def test_a_batch_that_is_none_is_refused(given: Any, message: str) -> None:
    rules = BatchRules(max_requests=3)
    with StubMessagesAPI(Fixed("pattern"), batch_rules=rules) as stub, client(stub) as asked:
        with pytest.raises(anthropic.BadRequestError, match=message):
            asked.messages.batches.create(requests=given)
        assert (stub.batches, stub.state.outcomes) == ([], {"malformed": 1})


def test_a_batch_may_be_larger_than_a_request_but_has_a_limit_of_its_own() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub, client(stub) as asked:
        large = requests("x" * (33 * 2**20))
        batch = asked.messages.batches.create(requests=large)
        assert asked.messages.batches.retrieve(batch.id).request_counts.succeeded == 1
        stub.set_batch_rules(BatchRules(max_bytes=2**20))
        with pytest.raises(anthropic.RequestTooLargeError):
            asked.messages.batches.create(requests=large)


def test_a_batch_that_nobody_created_is_a_404(stub: StubMessagesAPI) -> None:
    with client(stub) as asked:
        for ask in (asked.messages.batches.retrieve, asked.messages.batches.cancel):
            with pytest.raises(anthropic.NotFoundError):
                ask("msgbatch_0")


def test_batches_need_a_key_as_all_else_does(stub: StubMessagesAPI) -> None:
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{stub.url}/v1/messages/batches", timeout=10)  # noqa: S310
    assert stub.state.outcomes == {"unauthenticated": 1}


def test_each_request_ends_by_the_plan_or_on_its_own() -> None:
    plan = FaultPlan(
        (
            PlannedFault(fault=Overloaded(), contains="busy"),
            PlannedFault(fault=Hang(), contains="slow"),
            PlannedFault(fault=WrongLabel("none"), contains="odd", endpoint="batch_request"),
            PlannedFault(fault=Refusal(), contains="odd", endpoint="messages"),
        )
    )
    with StubMessagesAPI(Fixed("pattern"), plan=plan) as stub, client(stub) as asked:
        given: Any = [*requests("fine", "busy", "slow", "odd"), {"custom_id": "z", "params": {}}]
        batch = asked.messages.batches.create(requests=given)
        assert outcomes(asked, batch) == {
            "item-0": "succeeded",
            "item-1": "overloaded_error",
            "item-2": "expired",
            "item-3": "succeeded",
            "z": "invalid_request_error",
        }
        odd = read(asked, batch)["item-3"].result
        assert odd.type == "succeeded"
        assert '"none"' in said(odd.message)
        (record,) = stub.batches
    assert record.results == {
        "item-0": "succeeded",
        "item-1": "errored",
        "item-2": "expired",
        "item-3": "succeeded",
        "z": "errored",
    }
    assert [each.outcome for each in record.requests] == [
        "answered",
        "overloaded",
        "expired",
        "wrong_label",
        "malformed",
    ]


def test_a_share_of_each_batch_expires_and_another_is_in_error() -> None:
    rules = BatchRules(expire_share=1 / 3, error_share=0.1, seed=3)
    bodies = [str(n) for n in range(300)]
    with StubMessagesAPI(Fixed("pattern"), batch_rules=rules) as stub, client(stub) as asked:
        for _ in range(2):
            asked.messages.batches.create(requests=requests(*bodies))
        first, second = stub.batches
        ended = asked.messages.batches.retrieve(first.id)
        kinds = set(outcomes(asked, ended).values())
    assert 80 < ended.request_counts.expired < 120
    assert 15 < ended.request_counts.errored < 45
    assert {"invalid_request_error", "overloaded_error", "api_error"} < kinds
    assert first.results != second.results, "who expired once need not expire again"


def test_a_batch_that_does_not_end_expires_after_a_day() -> None:
    now = 0.0
    with (
        StubMessagesAPI(Fixed("pattern"), batch_rules=HOLDS, clock=lambda: now) as stub,
        client(stub) as asked,
    ):
        batch = asked.messages.batches.create(requests=requests("a", "b"))
        now = 86_400.0
        ended = asked.messages.batches.retrieve(batch.id)
        assert (counts(ended), ended.ended_at) == ({"expired": 2}, ended.expires_at)


def test_what_is_not_worked_on_when_a_batch_is_canceled_is_not_answered() -> None:
    now = 0.0
    rules = BatchRules(seconds=100, canceling_s=5)
    with (
        StubMessagesAPI(Fixed("pattern"), batch_rules=rules, clock=lambda: now) as stub,
        client(stub) as asked,
    ):
        batch = asked.messages.batches.create(requests=requests(*map(str, range(100))))
        now = 20.0
        canceled = asked.messages.batches.cancel(batch.id)
        assert (canceled.processing_status, counts(canceled)) == ("canceling", {"processing": 100})
        assert asked.messages.batches.cancel(batch.id).processing_status == "canceling"
        assert canceled.cancel_initiated_at == batch.created_at + timedelta(seconds=20)
        now = 25.0
        ended = asked.messages.batches.retrieve(batch.id)
        assert ended.ended_at == batch.created_at + timedelta(seconds=25)
        assert 65 < ended.request_counts.canceled < 95
        assert ended.request_counts.canceled + ended.request_counts.succeeded == 100
        with pytest.raises(anthropic.BadRequestError, match="cannot be canceled"):
            asked.messages.batches.cancel(batch.id)


def test_the_plan_may_name_an_endpoint() -> None:
    plan = FaultPlan((PlannedFault(fault=Overloaded(), endpoint="retrieve_batch"),))
    plan += plans.poisonous("bad")
    with StubMessagesAPI(Fixed("pattern"), plan=plan) as stub, client(stub) as asked:
        batch = asked.messages.batches.create(requests=requests("good", "bad"))
        with pytest.raises(anthropic.OverloadedError):
            asked.messages.batches.retrieve(batch.id)
        assert next(iter(asked.messages.batches.list())).request_counts.errored == 1
        assert [(one.path, one.outcome) for one in stub.requests] == [
            ("/v1/messages/batches", "answered"),
            (f"/v1/messages/batches/{batch.id}", "overloaded"),
            ("/v1/messages/batches", "answered"),
        ]


def test_tokens_are_counted_as_they_are_billed(stub: StubMessagesAPI) -> None:
    given = arguments("some words", system="Be brief.")
    del given["max_tokens"]
    with client(stub) as asked:
        counted = asked.messages.count_tokens(**given)
        message = asked.messages.create(**given, max_tokens=9)
        assert counted.input_tokens == message.usage.input_tokens
        with pytest.raises(anthropic.BadRequestError, match="messages: "):
            asked.messages.count_tokens(model=MODEL, messages=[])
