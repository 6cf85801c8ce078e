"""A classifier that is used in one event loop after another, as a worker's steps do."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

import anyio
import certifi
import pytest

from kclassify import Classifier, Item
from kclassify.classifier.certificates import tls_context
from kclassify.core.verdict import Outcome, OutcomeKind
from tests.classifier.taxonomy import TAXONOMY

if TYPE_CHECKING:
    from kclassify.testing import StubMessagesAPI


def test_connections_are_closed_with_the_loop_they_were_opened_in(
    stub: StubMessagesAPI, caplog: pytest.LogCaptureFixture
) -> None:
    classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="made-up")
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            outcome = anyio.run(classifier.judge, Item(number, f"text {number}"))
            assert isinstance(outcome, Outcome)
            assert outcome.kind is OutcomeKind.JUDGED
            gc.collect()  # what is left open complains when it is collected
    assert caplog.records == []


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
