"""Every fault at every endpoint of batches, and at the one that counts tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kclassify.classifier.counting import NotCounted, count_tokens, prefix_tokens
from kclassify.core.decision import Halt
from kclassify.core.verdict import Outcome
from kclassify.testing import (
    BadRequest,
    BrokenBody,
    Forbidden,
    Hang,
    LostReply,
    Overloaded,
    OverloadedAsApiError,
    Reset,
    ResetAtOnce,
    ServerError,
    SpendLimit,
    Throttled,
    TooLarge,
    Trickle,
    Unauthorized,
    UnknownModel,
)
from tests.classifier.batching import ITEMS, NONCE, batches_of, batching, created, read
from tests.classifier.taxonomy import KEY

if TYPE_CHECKING:
    from kclassify.classifier import Classifier
    from kclassify.testing import Fault, StubMessagesAPI

    Asked = tuple[StubMessagesAPI, str]

SECRET = f"{ITEMS[0].body} {KEY}"
UNAVAILABLE, TIMED_OUT, HALT = "unavailable", "timed out", "halt"
FAULTS: list[tuple[Fault, str, str]] = [
    (Overloaded(), UNAVAILABLE, "529 (Overloaded)"),
    (OverloadedAsApiError(), UNAVAILABLE, "500 (Overloaded)"),
    (ServerError(), UNAVAILABLE, "500 (Internal server error)"),
    (Throttled(17), "throttled", "429"),
    (Hang(), TIMED_OUT, "no answer in 0.5"),
    (LostReply(), TIMED_OUT, "no answer in 0.5"),
    (Trickle(), TIMED_OUT, "no answer in 0.5"),
    (Reset(), UNAVAILABLE, "no connection"),
    (ResetAtOnce(), UNAVAILABLE, "no connection"),
    (BrokenBody(), UNAVAILABLE, "the answer is not one of this API"),
    (BrokenBody("text/html"), UNAVAILABLE, "the answer is not one of this API"),
    (SpendLimit(), HALT, "the spend limit is reached"),
    (Unauthorized(), HALT, "set ANTHROPIC_API_KEY to a valid key"),
    (Forbidden(), HALT, "may not use anthropic/claude-haiku-4-5"),
    (UnknownModel(), HALT, "anthropic answered 404"),
    (BadRequest(SECRET), HALT, "anthropic answered 400"),
    (TooLarge(), HALT, "anthropic answered 413"),
]
ENDPOINTS = ("create", "retrieve", "recent", "cancel", "results", "count_tokens", "prefix_tokens")


@pytest.fixture
async def asked(stub: StubMessagesAPI) -> Asked:
    """The stub, and a batch there that has ended."""
    async with batching(stub.url) as classifier:
        return stub, await created(batches_of(classifier))


async def answer(classifier: Classifier[Any], endpoint: str, batch: str) -> Any:
    batches = batches_of(classifier)
    match endpoint:
        case "create":
            return await batches.create([batches.request(item) for item in ITEMS], NONCE)
        case "recent":
            return await batches.recent(0)
        case "results":
            return (await read(batches, batch))[-1]
        case "count_tokens":
            return await count_tokens(classifier, ITEMS)
        case "prefix_tokens":
            return await prefix_tokens(classifier)
        case _:
            return await getattr(batches, endpoint)(batch)


def told(result: object) -> tuple[str, str]:
    """The kind of a failure, and its words."""
    if isinstance(result, Outcome):
        return str(result.kind), result.detail
    if isinstance(result, Halt):
        return HALT, result.reason
    return ("not counted", result.reason) if isinstance(result, NotCounted) else ("", "")


@pytest.fixture(params=[True, False], ids=["no answer", "an answer"])
def faults(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[float, list[tuple[Fault, str, str]]]:
    """Some of the faults, and the seconds that answers to them are waited for."""
    # Half of it is to connect in, on a busy machine, too.
    seconds = 0.5 if request.param else 30.0
    monkeypatch.setattr("kclassify.classifier.batches._CREATE_S", seconds)
    monkeypatch.setattr("kclassify.classifier.counting._LONGEST_WAIT_S", 0.0)
    silent = Hang | LostReply | Trickle
    return seconds, [each for each in FAULTS if isinstance(each[0], silent) == request.param]


async def test_each_fault_is_told_for_what_it_is_at_each_endpoint(
    asked: Asked, faults: tuple[float, list[tuple[Fault, str, str]]]
) -> None:
    (stub, batch), (timeout_s, some) = asked, faults
    async with batching(stub.url, timeout_s=timeout_s) as classifier:
        for fault, becomes, says in some:
            stub.set_fault(fault)
            for endpoint in ENDPOINTS:
                result = await answer(classifier, endpoint, batch)
                counts = endpoint.endswith("tokens")
                kind, words = told(result)
                assert kind == ("not counted" if counts else becomes), (fault, endpoint)
                assert says in words, (fault, endpoint)
                assert "\n" not in words
                assert KEY not in words
                assert "article" not in words or endpoint not in {"create", "count_tokens"}
                if isinstance(fault, Throttled) and isinstance(result, Outcome):
                    assert result.retry_after_s == 17


async def test_the_results_are_a_question_of_their_own_after_how_far_the_batch_is(
    asked: Asked, faults: tuple[float, list[tuple[Fault, str, str]]], anyio_backend_name: str
) -> None:
    (stub, batch), (timeout_s, some) = asked, faults
    async with batching(stub.url, timeout_s=timeout_s) as classifier:
        for fault, becomes, says in some:
            # aiohttp reads again by itself where a kept connection is gone: reading costs nothing.
            is_read_again = isinstance(fault, ResetAtOnce) and anyio_backend_name == "asyncio"
            stub.script([None, fault, *[fault] * is_read_again])
            kind, words = told((await read(batches_of(classifier), batch))[-1])
            assert (kind, says in words) == (becomes, True), (fault, words)


async def test_nobody_there_and_no_key() -> None:
    for key, becomes, says in (
        (KEY, UNAVAILABLE, "no connection"),
        (None, HALT, "no credentials: set ANTHROPIC_API_KEY"),
    ):
        async with batching(api_key=key) as classifier:
            for endpoint in ENDPOINTS:
                kind, words = told(await answer(classifier, endpoint, "msgbatch_1"))
                assert kind == ("not counted" if endpoint.endswith("tokens") else becomes)
                assert says in words


async def test_after_the_fault_all_goes_on(asked: Asked) -> None:
    stub, batch = asked
    async with batching(stub.url) as classifier:
        for endpoint in ENDPOINTS:
            stub.script([Reset()])
            await answer(classifier, endpoint, batch)
            stub.script([])
            assert told(await answer(classifier, endpoint, batch)) == ("", ""), endpoint
