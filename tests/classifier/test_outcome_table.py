"""Drives every row of the table in docs/outcomes.md through the real SDK."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.classifier import Classifier
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind
from kclassify.testing import (
    BadConfidence,
    BadRequest,
    BrokenBody,
    BrokenJson,
    Fault,
    Fixed,
    Forbidden,
    Hang,
    Overloaded,
    OverloadedAsApiError,
    Refusal,
    Reset,
    ServerError,
    SpendLimit,
    StubMessagesAPI,
    Throttled,
    TooLarge,
    Trickle,
    Truncation,
    Unauthorized,
    UnknownModel,
    WrongLabel,
)
from tests.classifier.canned import canned, error_body, message_body
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Serving = Callable[[Path], AbstractContextManager[str]]


@dataclass(frozen=True)
class Way:
    """How a row is made to happen, and what its detail or reason says."""

    serve: Serving
    says: str
    requests: int = 1
    item: Item = ITEM
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    retry_after_s: float | None = None


seen: list[int] = []


def faults(*script: Fault | None, replies: Fixed | None = None) -> Serving:
    @contextmanager
    def serve(_: Path) -> Generator[str]:
        with StubMessagesAPI(replies or Fixed("playbook", 0.9)) as stub:
            stub.script(script)
            yield stub.url
            seen.append(stub.count)

    return serve


def answer(status: int, body: object, **headers: str) -> Serving:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: canned(status, body, named)


@contextmanager
def dated(_: Path) -> Generator[str]:
    later = formatdate(time() + 3_600, usegmt=True)
    with canned(429, error_body("rate_limit_error", "slow"), {"retry-after": later}) as url:
        yield url


@contextmanager
def refused(_: Path) -> Generator[str]:
    with StubMessagesAPI() as stub:
        url = stub.url
        stub.pause_listening()
        yield url


@contextmanager
def nowhere(_: Path) -> Generator[str]:
    yield "http://no-such-host.invalid"


@contextmanager
def untrusted(folder: Path) -> Generator[str]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    made = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1", "-days", "1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with canned(200, message_body("{}"), context=context) as url:
        yield url


def said(label: object, confidence: object) -> str:
    return f'{{"label": {label}, "confidence": {confidence}}}'


SLOW = {"timeout_s": 0.3}
QUOTA = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
LIMITS = "You have reached your specified API usage limits. You will regain access on 2026-12-01."
CREDIT = "Your credit balance is too low to access the Anthropic API."
NOT_IN = "'convention' is not an active category"
WAYS: dict[str, Way] = {
    "a label and a confidence that fit the schema": Way(faults(None), ""),
    "no label, where the classifier may abstain": Way(
        answer(200, message_body(said("null", 0.8))),
        "no category fits",
        settings={"may_abstain": True},
    ),
    "an unusable reply, then a good one": Way(faults(WrongLabel(), None), "", 2),
    "a refusal (`stop_reason: refusal`)": Way(faults(Refusal()), "declined"),
    "a reply that reaches `max_tokens`": Way(faults(Truncation()), "max_tokens"),
    "a reply that finds the model's context full": Way(
        answer(200, message_body('{"lab', "model_context_window_exceeded")), "context was full"
    ),
    "prose in place of JSON, twice": Way(
        faults(BrokenJson(), BrokenJson()), "not the JSON object", 2
    ),
    "a label outside the active categories, twice": Way(
        faults(WrongLabel("tip"), WrongLabel("tip")), "'tip' is not an active category", 2
    ),
    "a retired label, twice": Way(
        faults(WrongLabel("convention"), WrongLabel("convention")), NOT_IN, 2
    ),
    "a confidence outside [0, 1], twice": Way(
        faults(BadConfidence(-0.1), BadConfidence(1.01)), "1.01 is outside [0, 1]", 2
    ),
    "a confidence that is no number, twice": Way(
        answer(200, message_body(said('"playbook"', "NaN"))), "nan is outside [0, 1]"
    ),
    "no label, where the classifier may not abstain, twice": Way(
        answer(200, message_body(said("null", 0.8))), "null is not an active category"
    ),
    "an unusable reply, then a refusal": Way(faults(BrokenJson(), Refusal()), "declined", 2),
    "an unusable reply, then an overloaded provider": Way(
        faults(BrokenJson(), Overloaded()), "529", 2
    ),
    "an unusable reply, then 401": Way(
        faults(BrokenJson(), Unauthorized()), "set ANTHROPIC_API_KEY to a valid key", 2
    ),
    "an empty body": Way(faults(), "empty", 0, item=Item(key=1, title="Title", body=" \n")),
    "400 about the request": Way(faults(BadRequest("no such field")), "400 (no such field)"),
    "422": Way(answer(422, error_body("invalid_request_error", "odd")), "422 (odd)"),
    '400 with "prompt is too long"': Way(
        faults(BadRequest("prompt is too long: 210000 tokens > 200000 maximum")), "210000 tokens"
    ),
    "413": Way(faults(TooLarge()), "413"),
    "no answer within `timeout_s`": Way(faults(Hang()), "no answer in 0.3 s", settings=SLOW),
    "an answer that trickles in beyond `timeout_s`": Way(
        faults(Trickle(40)), "no answer in 0.3 s", settings=SLOW
    ),
    "429": Way(faults(Throttled()), "429"),
    "429 with `retry-after` in seconds": Way(faults(Throttled(17)), "429", retry_after_s=17),
    "429 with `retry-after` as a date": Way(dated, "429 (slow)", retry_after_s=3_600),
    "529": Way(faults(Overloaded()), "529 (Overloaded)"),
    '500 with "Overloaded"': Way(faults(OverloadedAsApiError()), "500 (Overloaded)"),
    "500": Way(faults(ServerError()), "500 (Internal server error)"),
    "502 with a proxy's page": Way(answer(502, "<h1>Bad gateway</h1>"), "502"),
    "503": Way(answer(503, {}, retry_after="5"), "503", retry_after_s=5),
    "504": Way(answer(504, {}), "504"),
    "408": Way(answer(408, {}), "408"),
    "409": Way(answer(409, {}), "409"),
    "a connection refused": Way(refused, "no connection"),
    "a connection reset in mid-answer": Way(faults(Reset()), "no connection"),
    "a host name that does not resolve": Way(nowhere, "no connection"),
    "a page in place of JSON, said to be JSON": Way(faults(BrokenBody()), "not one of this API"),
    "a page in place of JSON, said to be a page": Way(
        faults(BrokenBody("text/html")), "not one of this API"
    ),
    "JSON that is no message": Way(answer(200, {"status": "starting"}), "not one of this API"),
    "an exception nobody foresaw": Way(
        answer(200, message_body("")), "unexpected (ZeroDivisionError: out of nowhere)"
    ),
    "401": Way(faults(Unauthorized()), "set ANTHROPIC_API_KEY to a valid key"),
    "no credentials at all": Way(
        faults(), "set ANTHROPIC_API_KEY to a valid key", 0, settings={"api_key": None}
    ),
    "403": Way(faults(Forbidden()), "may not use anthropic/claude-haiku-4-5 (from the default)"),
    "404, the model is unknown": Way(
        faults(UnknownModel()),
        "model anthropic/no-such (from the model that was asked for) is not known",
        settings={"model": "no-such"},
    ),
    "405, another server's API": Way(answer(405, {}), "check the base URL"),
    "402": Way(answer(402, error_body("billing_error", "unpaid")), "(unpaid): raise it"),
    "429 with `enforced_spend_limit_reached`": Way(faults(SpendLimit()), "spend limit is reached"),
    "429 with `contract_spend_limit_reached`": Way(
        faults(SpendLimit("contract_spend_limit_reached")), "spend limit is reached"
    ),
    "429 with `insufficient_quota`": Way(answer(429, QUOTA), "spend limit is reached"),
    '400 with "credit balance is too low"': Way(faults(BadRequest(CREDIT)), "credit is used up"),
    '400 with "You have reached your specified API usage limits"': Way(
        faults(BadRequest(LIMITS)), "regain access on 2026-12-01"
    ),
    "a certificate that is not trusted": Way(untrusted, "SSL_CERT_FILE"),
    "a key with a line break at its end": Way(
        answer(200, {}), "the key for a line break", settings={"api_key": f"{KEY}\n"}
    ),
    "a base URL without `http://`": Way(
        faults(), "check the base URL", 0, settings={"base_url": "127.0.0.1:80"}
    ),
    "407, a proxy that does not know us": Way(answer(407, {}), "the proxy with its password"),
}


def rows() -> list[tuple[str, str]]:
    text = (REPOSITORY / "docs" / "outcomes.md").read_text(encoding="utf-8")
    return re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)[1:]


ROWS = rows()


def test_every_row_has_a_way_to_happen_and_every_outcome_a_row() -> None:
    assert [happening for happening, _ in ROWS] == list(WAYS)
    assert {becomes for _, becomes in ROWS} == {*OutcomeKind, "Halt"}


@pytest.mark.parametrize(("happening", "becomes"), ROWS, ids=[row[0] for row in ROWS])
async def test_the_table_is_what_happens(
    happening: str, becomes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = WAYS[happening]
    seen.clear()
    with ExitStack() as stack:
        url = stack.enter_context(way.serve(tmp_path))
        result = await judged_at(url, way, monkeypatch if "foresaw" in happening else None)
    assert (str(result.kind) if isinstance(result, Outcome) else "Halt") == becomes
    text = result.detail if isinstance(result, Outcome) else result.reason
    assert way.says in text
    assert bool(text) == bool(way.says)
    assert "\n" not in text
    assert KEY not in text
    assert seen in ([], [way.requests])
    if isinstance(result, Outcome) and way.retry_after_s:
        assert result.retry_after_s == pytest.approx(
            way.retry_after_s, abs=60 if way.serve is dated else 0
        )


async def judged_at(url: str, way: Way, planting: pytest.MonkeyPatch | None) -> Outcome[Any] | Halt:
    settings: dict[str, Any] = {"base_url": url, "api_key": KEY, **way.settings}
    async with AsyncExitStack() as stack:
        classifier = await stack.enter_async_context(Classifier(TAXONOMY, **settings))
        if planting is not None:
            planting.setattr("anthropic.AsyncAnthropic._prepare_options", boom, raising=False)
        return await classifier.judge(way.item)


async def boom(*_: object) -> None:
    raise ZeroDivisionError("out of nowhere")
