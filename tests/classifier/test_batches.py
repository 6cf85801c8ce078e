"""Batches from their creation to their results, over HTTP with the SDK."""

from __future__ import annotations

import json
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from kclassify.classifier.counting import count_tokens
from kclassify.core.batch import NONCE_CHARS, BatchResult, RemoteBatch, custom_id
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.price import Price
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.testing import (
    BadConfidence,
    BadRequest,
    BatchRules,
    BrokenJson,
    FaultPlan,
    Fixed,
    Forbidden,
    Hang,
    LostReply,
    Overloaded,
    OverloadedAsApiError,
    PlannedFault,
    Refusal,
    ServerError,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    TooLarge,
    Truncation,
    Unauthorized,
    UnknownModel,
    WrongLabel,
)
from tests.classifier.batching import ITEMS, NONCE, batches_of, batching, created, read, settled
from tests.classifier.canned import message_body
from tests.classifier.endpoints import Canned, batch_body, endpoints
from tests.classifier.taxonomy import ITEM, KEY, Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from kclassify.classifier.batches import AnthropicBatches
    from kclassify.testing import Fault

PRICE = Price(
    "claude-haiku-4-5",
    input=Decimal(1),
    output=Decimal(5),
    cache_write=Decimal("1.25"),
    cache_write_1h=Decimal(2),
    cache_read=Decimal("0.1"),
    batch_factor=Decimal("0.5"),
)
DIGESTS = {item.digest for item in ITEMS}


@pytest.fixture
def open_stub() -> Iterator[StubMessagesAPI]:
    """A stub whose batches end when they are told to."""
    rules = BatchRules(seconds=None)
    prices = {PRICE.model: PRICE}
    with StubMessagesAPI(Fixed("playbook", 0.9), batch_rules=rules, prices=prices) as running:
        yield running


async def test_a_batch_is_followed_from_its_creation_to_its_bill(
    open_stub: StubMessagesAPI,
) -> None:
    async with batching(open_stub.url, price=PRICE) as classifier:
        batches = batches_of(classifier)
        told = await batches.create([batches.request(item) for item in ITEMS], NONCE)
        assert isinstance(told, RemoteBatch)
        assert not told.is_ended
        assert told.requests == len(ITEMS)
        assert told.expires_at == pytest.approx(told.created_at + 86_400)
        assert await batches.retrieve(told.id) == told
        (early,) = await read(batches, told.id)
        open_stub.end_batches()
        ended = await batches.retrieve(told.id)
        results = await settled(batches, told.id)
    assert isinstance(early, Outcome)
    assert (early.kind, early.detail) == (OutcomeKind.UNAVAILABLE, f"batch {told.id} has not ended")
    assert isinstance(ended, RemoteBatch)
    assert ended.is_ended
    assert results.keys() == DIGESTS
    costs = 0
    for kind, outcome in results.values():
        assert kind == "succeeded"
        assert isinstance(outcome, Outcome)
        assert outcome.verdict is not None
        assert (outcome.verdict.label, outcome.verdict.confidence) == (Topic.PLAYBOOK, 0.9)
        assert outcome.verdict.model == "claude-haiku-4-5"
        costs += outcome.cost or 0
    assert costs == open_stub.bill.nanodollars > 0


async def test_a_result_costs_half_of_the_direct_call_and_less_than_its_worst_case(
    stub: StubMessagesAPI,
) -> None:
    async with batching(stub.url, price=PRICE) as classifier:
        direct = await classifier.judge(ITEM)
        batches = batches_of(classifier)
        worst = batches.request(ITEM).worst
        ((_, outcome),) = (await settled(batches, await created(batches, [ITEM]))).values()
    assert isinstance(direct, Outcome)
    assert isinstance(outcome, Outcome)
    assert outcome.usage == direct.usage
    assert outcome.cost == (direct.cost or 0) / 2
    assert 0 < (outcome.cost or 0) < (worst or 0)


async def test_a_request_says_what_the_model_is_not_shown() -> None:
    async with batching(max_body_chars=20) as classifier:
        whole = Item(key=1, body="a short text")
        cut = Item(key=2, body="word " * 20)
        asked = [batches_of(classifier).request(item) for item in (whole, cut)]
    assert [request.body_chars_cut for request in asked] == [0, 81]


async def test_no_price_for_batches_is_no_price() -> None:
    unbatched = replace(PRICE, batch_factor=None)
    with StubMessagesAPI(Fixed("playbook", 0.9)) as stub:
        async with batching(stub.url, price=unbatched) as classifier:
            batches = batches_of(classifier)
            assert batches.request(ITEM).worst is None
            ((_, outcome),) = (await settled(batches, await created(batches, [ITEM]))).values()
    assert isinstance(outcome, Outcome)
    assert outcome.cost is None


ENDINGS: dict[str, tuple[Fault | None, str, str, str]] = {
    "refuse": (Refusal(), "succeeded", "refused", "the model declined to answer"),
    "cut": (Truncation(), "succeeded", "truncated", "the reply reached max_tokens"),
    "prose": (BrokenJson(), "succeeded", "invalid", "not the JSON object that was asked for"),
    "label": (WrongLabel("made up"), "succeeded", "invalid", "its label is not an active category"),
    "number": (BadConfidence(1.7), "succeeded", "invalid", "its confidence is outside [0, 1]"),
    "rejected": (BadRequest("odd"), "errored", "rejected", "400"),
    "long": (
        BadRequest("prompt is too long: 210000 tokens > 200000 maximum"),
        "errored",
        "too long",
        "400 (prompt is too long: 210000 tokens > 200000 maximum)",
    ),
    "large": (TooLarge(), "errored", "too long", "413"),
    "overload": (Overloaded(), "errored", "unavailable", "529 (Overloaded)"),
    "busy": (OverloadedAsApiError(), "errored", "unavailable", "500 (Overloaded)"),
    "failing": (ServerError(), "errored", "unavailable", "500 (Internal server error)"),
    "throttle": (Throttled(), "errored", "throttled", "429"),
    "expire": (Hang(), "expired", "timed out", "expired in the batch"),
    "spent": (SpendLimit(), "errored", "halt", "the spend limit is reached"),
    "key": (Unauthorized(), "errored", "halt", "set ANTHROPIC_API_KEY to a valid key"),
    "forbid": (Forbidden(), "errored", "halt", "may not use anthropic/claude-haiku-4-5"),
    "model": (UnknownModel(), "errored", "halt", "is not known there"),
    "good": (None, "succeeded", "judged", ""),
}


def planned(endpoint: Any) -> FaultPlan:
    entries = [
        PlannedFault(fault=fault, contains=f"case {name}.", endpoint=endpoint)
        for name, (fault, *_) in ENDINGS.items()
    ]
    return FaultPlan(tuple(entries))


async def test_each_request_ends_in_a_batch_as_it_would_in_a_call_of_its_own() -> None:
    items = {name: Item(key=name, body=f"this is case {name}.") for name in ENDINGS}
    with StubMessagesAPI(Fixed("quote", 0.8), plan=planned("batch_request")) as stub:
        async with batching(stub.url, timeout_s=5) as classifier:
            batches = batches_of(classifier)
            results = await settled(batches, await created(batches, list(items.values())))
    for name, (_, kind, becomes, says) in ENDINGS.items():
        ended, outcome = results[items[name].digest]
        told = outcome.detail if isinstance(outcome, Outcome) else outcome.reason
        assert ended == kind, name
        assert (str(outcome.kind) if isinstance(outcome, Outcome) else "halt") == becomes, name
        assert told.endswith(says) or (says and says in told), (name, told)
        assert bool(told) == bool(says), name
        if isinstance(outcome, Outcome):
            assert (outcome.cost or 0) > 0 if kind == "succeeded" else outcome.cost == 0, name


async def test_the_direct_call_agrees_with_the_batch_on_what_becomes_of_an_item() -> None:
    with StubMessagesAPI(Fixed("quote", 0.8), plan=planned("messages")) as stub:
        async with batching(stub.url, timeout_s=0.5) as classifier:
            for name, (_, _, becomes, _) in ENDINGS.items():
                outcome = await classifier.judge(Item(key=name, body=f"this is case {name}."))
                told = str(outcome.kind) if isinstance(outcome, Outcome) else "halt"
                assert told == becomes, name


async def test_an_abstention_in_a_batch_is_one() -> None:
    null = message_body('{"label": null, "confidence": 0.8}')
    (outcome,) = await outcomes_of([result(message=null)], may_abstain=True)
    assert isinstance(outcome, Outcome)
    assert outcome.kind is OutcomeKind.ABSTAINED


async def test_what_is_canceled_is_asked_for_in_vain(open_stub: StubMessagesAPI) -> None:
    async with batching(open_stub.url) as classifier:
        batches = batches_of(classifier)
        batch = await created(batches)
        canceled = await batches.cancel(batch)
        results = await settled(batches, batch)
        again = await batches.cancel(batch)
    assert isinstance(canceled, RemoteBatch)
    assert {(kind, getattr(outcome, "detail", None)) for kind, outcome in results.values()} == {
        ("canceled", "canceled")
    }
    assert isinstance(again, RemoteBatch)
    assert again.is_ended


async def test_a_batch_whose_creation_got_no_answer_is_among_the_recent_ones(
    open_stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kclassify.classifier.batches._CREATE_S", 0.3)
    async with batching(open_stub.url) as classifier:
        batches = batches_of(classifier)
        open_stub.script([LostReply()])
        told = await batches.create([batches.request(item) for item in ITEMS], NONCE)
        (orphan,) = open_stub.batches
        recent = await batches.recent(0)
    assert isinstance(told, Outcome)
    assert told.kind is OutcomeKind.TIMED_OUT
    assert told.detail.startswith("no answer in 0.3")
    assert not isinstance(recent, Outcome | Halt)
    assert [batch.id for batch in recent] == [orphan.id]


def listed(page: str, *batches: dict[str, Any], more: bool) -> Canned:
    body = {"data": list(batches), "has_more": more, "first_id": None, "last_id": page}
    return Canned.of(body)


async def test_the_list_is_read_until_batches_are_too_old_to_be_asked_for() -> None:
    days = {n: f"2026-11-{n}T00:00:00+00:00" for n in (20, 21, 22, 23)}
    first, last = (
        [batch_body(f"b{n}", created_at=days[n]) for n in ns] for ns in ((23, 22), (21, 20))
    )
    path = "GET /v1/messages/batches?"
    pages = {
        f"{path}limit=100": listed("b22", *first, more=True),
        f"{path}limit=100&after_id=b22": listed("b20", *last, more=True),
    }
    since = datetime.fromisoformat(days[21]).timestamp()
    with endpoints(pages) as server:
        async with batching(server.url) as classifier:
            recent = await batches_of(classifier).recent(since)
        asked = [name for name, _ in server.asked]
    assert not isinstance(recent, Outcome | Halt)
    assert [batch.id for batch in recent] == ["b23", "b22", "b21"]
    assert len(asked) == 2


def named(name: str, kind: str = "succeeded", **fields: Any) -> dict[str, Any]:
    return {"custom_id": name, "result": {"type": kind, **fields}}


def result(digest: str = ITEM.digest, kind: str = "succeeded", **fields: Any) -> dict[str, Any]:
    return named(custom_id(NONCE, digest), kind, **fields)


def good(digest: str = ITEM.digest) -> dict[str, Any]:
    return result(digest, message=message_body('{"label": "quote", "confidence": 0.5}'))


def lines(*entries: object) -> bytes:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()


@asynccontextmanager
async def canned(
    body: bytes, *, succeeded: int = 0, kept_back: int = 0, **settings: Any
) -> AsyncGenerator[AnthropicBatches]:
    path = "GET /v1/messages/batches/msgbatch_1"
    counts = {**batch_body()["request_counts"], "succeeded": succeeded}
    answers = {
        path: Canned.of(batch_body(request_counts=counts)),
        f"{path}/results": Canned(body, kind="application/x-jsonl", kept_back=kept_back),
    }
    with endpoints(answers) as server:
        async with batching(server.url, **settings) as classifier:
            yield batches_of(classifier)


async def read_canned(body: bytes, **settings: Any) -> list[BatchResult | Outcome[str] | Halt]:
    async with canned(body, **settings) as batches:
        return await read(batches, "msgbatch_1")


async def nonce_canned(body: bytes, succeeded: int = 2) -> str | Outcome[str] | Halt:
    async with canned(body, succeeded=succeeded) as batches:
        return await batches.nonce_of("msgbatch_1")


async def outcomes_of(entries: list[dict[str, Any]], **settings: Any) -> list[Outcome[str] | Halt]:
    found = await read_canned(lines(*entries), succeeded=len(entries), **settings)
    return [each.outcome if isinstance(each, BatchResult) else each for each in found]


def told(found: list[BatchResult | Outcome[str] | Halt]) -> list[str]:
    """Digests, and the details of what is no result."""
    return [
        each.digest
        if isinstance(each, BatchResult)
        else each.detail
        if isinstance(each, Outcome)
        else each.reason
        for each in found
    ]


A, B, C = (f"{letter * 64}" for letter in "abc")


async def test_lines_end_where_json_says_they_do() -> None:
    said = {**message_body('{"label": "quote", "confidence": 0.5}'), "id": "a\u2028b\x85c\x0cd"}
    body = lines(result(A, message=said), good(B)) + b"\n \n" + lines(good(C))[:-1]
    assert told(await read_canned(body, succeeded=3)) == [A, B, C]


async def test_results_of_requests_that_nobody_here_made_are_skipped() -> None:
    nobodys = [named(name) for name in ("my-own-1", A, custom_id("o" * NONCE_CHARS, B))]
    strangers: list[Any] = [*nobodys, {"custom_id": 7}, [], None, good(A)]
    assert told(await read_canned(lines(*strangers), succeeded=7)) == [A]


@pytest.mark.parametrize(
    ("first", "nonce"),
    [(good(A), NONCE), (named(A), ""), (named("my-own-1"), ""), ({"custom_id": 7}, ""), ([], "")],
    ids=str,
)
async def test_the_first_result_tells_whose_a_batch_is(first: object, nonce: str) -> None:
    assert await nonce_canned(lines(first, good(B))) == nonce


async def test_a_batch_whose_results_do_not_come_is_not_yet_anybodys() -> None:
    assert await nonce_canned(b"", succeeded=0) == ""
    for broken in (b"", b"<html>\n"):
        said = await nonce_canned(broken)
        assert isinstance(said, Outcome)
        assert said.kind is OutcomeKind.UNAVAILABLE


async def test_results_that_break_off_are_told_and_end_there() -> None:
    whole = lines(good(A), good(B))
    cut = await read_canned(whole + lines(good(C))[:50], kept_back=500)
    garbled = await read_canned(whole + b"<html>\n" + lines(good(C)))
    deep = await read_canned(whole + b"[" * 100_000 + b"\n" + lines(good(C)))
    short = await read_canned(whole, succeeded=3)
    for found in (cut, garbled, deep, short):
        assert told(found)[:2] == [A, B]
        assert len(found) == 3
        assert isinstance(found[2], Outcome)
        assert found[2].kind is OutcomeKind.UNAVAILABLE
    assert told(short)[2] == "the results broke off: 2 of 3 came"


@pytest.mark.parametrize(
    "message",
    [None, {}, [], {"content": 7}, {"content": [], "usage": "x"}, {"content": [None]}],
    ids=str,
)
async def test_a_message_that_is_none_judges_nothing(message: object) -> None:
    (outcome,) = await outcomes_of([result(message=message)])
    assert isinstance(outcome, Outcome)
    assert outcome.kind in {OutcomeKind.UNAVAILABLE, OutcomeKind.INVALID}


async def test_an_ending_that_nobody_knows_is_asked_again() -> None:
    for entry in (result(kind="postponed"), result(kind="errored"), {**result(), "result": None}):
        (outcome,) = await outcomes_of([entry])
        assert isinstance(outcome, Outcome)
        assert outcome.kind is OutcomeKind.UNAVAILABLE


async def test_what_a_model_or_a_server_quotes_of_an_item_is_not_repeated() -> None:
    secret = "the patient is called Ann Example"
    quoting = message_body(json.dumps({"label": secret, "confidence": 0.5}))
    error = {"type": "invalid_request_error", "message": f"messages.0: {secret} {KEY}"}
    found = await outcomes_of(
        [
            result(message=quoting),
            result(kind="errored", error={"type": "error", "error": error}),
            result(
                kind="errored", error={"type": "error", "error": {**error, "type": "api_error"}}
            ),
        ]
    )
    assert len(found) == 3
    for outcome in found:
        assert "Ann" not in repr(outcome)
        assert "patient" not in repr(outcome)
        assert KEY not in repr(outcome)


async def test_a_complaint_in_the_providers_own_words_is_passed_on() -> None:
    error = {
        "type": "invalid_request_error",
        "message": "output_config.format: Extra inputs are not permitted",
    }
    (outcome,) = await outcomes_of([result(kind="errored", error={"error": error})])
    assert isinstance(outcome, Outcome)
    assert outcome.detail == "400 (output_config.format: Extra inputs are not permitted)"


async def test_the_key_goes_to_the_base_url_and_not_where_an_answer_points() -> None:
    (outcome,) = await outcomes_of([good()])
    assert isinstance(outcome, Outcome)
    assert outcome.kind is OutcomeKind.JUDGED


async def test_what_the_library_logs_of_a_batch_is_kept_out_of_the_log(
    stub: StubMessagesAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with batching(stub.url) as classifier:
        batches = batches_of(classifier)
        await settled(batches, await created(batches))
        await count_tokens(classifier, ITEMS)
    assert "article" not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_each_event_loop_has_connections_of_its_own(backend: str, stub: StubMessagesAPI) -> None:
    classifier = batching(stub.url)
    batches = batches_of(classifier)

    async def in_a_loop(step: Any, *arguments: Any) -> Any:
        async with classifier:
            return await step(batches, *arguments)

    batch = anyio.run(in_a_loop, created, backend=backend)
    assert anyio.run(in_a_loop, settled, batch, backend=backend).keys() == DIGESTS
