"""A classifier in one event loop after another, as a worker's steps are, and in many at once."""

from __future__ import annotations

import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import anyio
import certifi
import pytest
from anyio.from_thread import start_blocking_portal

from kclassify import Classifier, Item
from kclassify.classifier.certificates import tls_context
from kclassify.classifier.connect import connect
from kclassify.core.verdict import OutcomeKind
from kclassify.testing import Hang
from tests.classifier.both_paths import ASKED
from tests.classifier.canned import error_body
from tests.classifier.endpoints import Canned, endpoints
from tests.classifier.taxonomy import TAXONOMY, Topic

if TYPE_CHECKING:
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.testing import StubMessagesAPI


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[ref[InstructorProvider]]:
    """What a classifier has connected, the first of which writes all requests."""
    made: list[ref[InstructorProvider]] = []

    def connected(*arguments: Any) -> InstructorProvider:
        provider = connect(*arguments)
        made.append(ref(provider))
        return provider

    monkeypatch.setattr("kclassify.classifier.classifier.connect", connected)
    return made


async def kind_of(classifier: Classifier[Topic], number: int = 0) -> OutcomeKind | None:
    return getattr(await classifier.judge(Item(number, f"text {number}")), "kind", None)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_connections_are_closed_with_the_loop_they_were_opened_in(
    stub: StubMessagesAPI, caplog: pytest.LogCaptureFixture, backend: str
) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            kind = anyio.run(kind_of, classifier, number, backend=backend)
            assert kind is OutcomeKind.JUDGED
            gc.collect()  # what is left open complains when it is collected
    assert caplog.records == []


@pytest.mark.parametrize("other", ["asyncio", "trio"])
def test_loops_that_run_at_once_keep_their_connections(
    stub: StubMessagesAPI, opened: list[ref[InstructorProvider]], other: str
) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")
    in_turns = threading.Barrier(2, timeout=30)

    async def kinds() -> list[OutcomeKind | None]:
        told: list[OutcomeKind | None] = []
        for number in range(10):
            in_turns.wait()
            told.append(await kind_of(classifier, number))
        return told

    with ThreadPoolExecutor(2) as threads:
        runs = [
            threads.submit(partial(anyio.run, kinds, backend=name)) for name in (other, "asyncio")
        ]
        assert [run.result() for run in runs] == [[OutcomeKind.JUDGED] * 10] * 2
    assert len(opened) == 2


@pytest.mark.parametrize("other", ["asyncio", "trio"])
def test_who_closes_a_classifier_leaves_other_loops_their_connections(
    stub: StubMessagesAPI, opened: list[ref[InstructorProvider]], other: str
) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")
    with start_blocking_portal(other) as there, start_blocking_portal() as here:
        assert there.call(kind_of, classifier) is here.call(kind_of, classifier)
        stub.set_fault(Hang())
        asking = there.start_task_soon(kind_of, classifier)
        stub.wait_until(lambda state: state.in_flight == 1)
        here.call(classifier.aclose)
        assert not asking.done()
        asking.cancel()
        stub.set_fault(None)
        assert there.call(kind_of, classifier) is OutcomeKind.JUDGED
        assert len(opened) == 2
        there.call(classifier.aclose)


def test_a_key_of_the_environment_is_the_one_of_its_moment_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = ["tulips-and-roses", "lilies-and-asters"]
    told: list[str] = []
    with endpoints(
        {ASKED: Canned.of(error_body("odd", f"no {' nor '.join(keys)}"), 400)}
    ) as served:
        monkeypatch.setenv("ANTHROPIC_API_KEY", keys[0])
        classifier = Classifier(TAXONOMY, base_url=served.url)
        for key in keys:
            monkeypatch.setenv("ANTHROPIC_API_KEY", key)
            outcome = anyio.run(classifier.judge, Item(1, "text"))
            told.append(getattr(outcome, "detail", ""))
    assert [key in str(headers) for key, headers in zip(keys, served.headers, strict=True)] == [
        True
    ] * 2
    assert told == ["400 (no [key] nor lilies-and-asters)", "400 (no [key] nor [key])"]


def test_nothing_is_kept_of_what_is_closed(
    stub: StubMessagesAPI, opened: list[ref[InstructorProvider]]
) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")

    async def asked_and_closed() -> None:
        for number in range(3):
            async with classifier:
                assert await kind_of(classifier, number) is OutcomeKind.JUDGED
        gc.collect()
        assert [provider() is None for provider in opened] == [False, True, True]

    anyio.run(asked_and_closed)


def test_a_classifier_is_used_in_both_kinds_of_loops(stub: StubMessagesAPI) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")

    async def asked_and_closed() -> None:
        async with classifier:
            assert (await classifier.classify("text")).label == "playbook"

    for backend in ("trio", "asyncio", "trio", "asyncio"):
        anyio.run(asked_and_closed, backend=backend)
    gc.collect()


def test_a_reply_may_be_as_long_as_the_sdk_would_rather_stream(stub: StubMessagesAPI) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up", max_tokens=30_000)
    assert anyio.run(classifier.classify, "text").label == "playbook"
    assert (stub.requests[0].body or {})["max_tokens"] == 30_000


def test_whom_to_trust_is_read_once_and_again_where_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = tls_context()
    assert tls_context() is named
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert tls_context() is not named
