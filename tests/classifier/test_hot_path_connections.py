"""Both paths reach the provider alike: by proxies, names, certificates, tokens and cookies."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
import subprocess
import warnings
from base64 import b64encode
from contextlib import ExitStack
from functools import partial
from shutil import which
from typing import TYPE_CHECKING

import anyio
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kclassify.classifier import Classifier
from kclassify.classifier.hot_path import HotPath
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import OutcomeKind
from kclassify.testing import BrokenJson, Hang, Overloaded, Trickle
from tests.classifier.both_paths import ASKED, GOOD, both_paths, message, told_on_each
from tests.classifier.canned import canned, message_body
from tests.classifier.endpoints import Canned, endpoints
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kclassify.core.verdict import Outcome
    from kclassify.testing import StubMessagesAPI

READ_AGAIN = message(stop_reason="stop_sequence")
PASSWORD = "made-up-password"
TOKENS = "POST /v1/oauth/token"
pytestmark = pytest.mark.usefixtures("no_spans_and_no_proxy")


async def kinds_of(made: Classifier[Topic], calls: int) -> list[OutcomeKind | None]:
    told: list[Outcome[Topic] | Halt] = []

    async def judge(number: int) -> None:
        told.append(await made.judge(Item(key=number, body=f"text {number}")))

    async with anyio.create_task_group() as tasks:
        for number in range(calls):
            tasks.start_soon(judge, number)
    return [getattr(each, "kind", None) for each in told]


async def test_calls_cut_off_by_the_deadline_leave_no_connection(stub: StubMessagesAPI) -> None:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY, max_connections=8) as made:
        await made.judge(ITEM)
        made._timeout_s = 0.3
        stub.set_fault(Hang())
        assert set(await kinds_of(made, 8)) == {OutcomeKind.TIMED_OUT}
        await anyio.to_thread.run_sync(partial(stub.wait_until, lambda state: state.in_flight == 0))
        stub.set_fault(None)
        made._timeout_s = 30
        assert set(await kinds_of(made, 8)) == {OutcomeKind.JUDGED}
    gc.collect()


async def test_a_storm_of_overload_is_asked_about_once_each(stub: StubMessagesAPI) -> None:
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        await made.judge(ITEM)
        stub.set_fault(Overloaded())
        assert set(await kinds_of(made, 30)) == {OutcomeKind.UNAVAILABLE}
        stub.set_fault(None)
        assert set(await kinds_of(made, 30)) == {OutcomeKind.JUDGED}
    assert stub.count == 61


async def test_a_server_that_is_gone_is_the_same_and_costs_nothing(stub: StubMessagesAPI) -> None:
    async with both_paths(base_url=stub.url) as paths:
        stub.pause_listening()
        for path in paths:  # what lost its connection may say so once
            await path.judge(ITEM)
        told = [await path.judge(ITEM) for path in paths]
        assert told == [told[0]] * 3
        assert not isinstance(told[0], Halt)
        assert (told[0].kind, told[0].uncertain) == (OutcomeKind.UNAVAILABLE, 0)
        stub.resume_listening()
        assert await kinds_of(paths.following, 1) == [OutcomeKind.JUDGED]


@pytest.fixture
def nobody_accepts() -> Iterator[str]:
    """The address of a server that is too busy to take another connection."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_what_never_connects_is_the_same_and_costs_nothing(nobody_accepts: str) -> None:
    async with both_paths(base_url=nobody_accepts, timeout_s=1) as paths:
        told = [await path.judge(ITEM) for path in paths]
    assert told == [told[0]] * 3
    assert not isinstance(told[0], Halt)
    assert (told[0].kind, told[0].uncertain) == (OutcomeKind.TIMED_OUT, 0)


async def test_a_slow_reply_is_a_reply(stub: StubMessagesAPI) -> None:
    async with both_paths(base_url=stub.url) as paths:
        stub.set_fault(Trickle(4_000))
        told = [await path.judge(ITEM) for path in paths]
    assert told == [told[0]] * 3
    assert getattr(told[0], "kind", None) is OutcomeKind.JUDGED


async def test_a_base_url_with_a_path_and_headers_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = "X-Team: search\nX-Odd: a:b\nCookie: mine=1\nUser-Agent: ours"
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", told)
    asked = "POST /gateway/team/v1/messages"
    with endpoints({asked: message()}) as served:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{served.url}/gateway/team/")
        async with both_paths() as paths:
            by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    assert [path for path, _ in by_instructor.asked] == [asked]
    names = ("x-team", "x-odd", "cookie", "user-agent")
    assert [by_instructor.headers[0][name] for name in names] == ["search", "a:b", "mine=1", "ours"]


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
async def test_a_key_of_the_environment_is_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, KEY)
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url, api_key=None) as paths:
            by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    assert KEY in str(by_instructor.headers)


async def test_a_token_that_renews_itself_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_1")
    monkeypatch.setenv("ANTHROPIC_ORGANIZATION_ID", "org_1")
    monkeypatch.setenv("ANTHROPIC_IDENTITY_TOKEN", "made-up")
    tokens = [Canned.of({"access_token": f"token-{n}", "expires_in": 1}) for n in range(9)]
    with endpoints({ASKED: message(), TOKENS: tokens}) as served:
        async with both_paths(base_url=served.url, api_key=None) as paths:
            for reply in (message(), READ_AGAIN):
                served.answers[ASKED] = [reply]
                told = await told_on_each(paths, served)
                assert [[path for path, _ in each.asked] for each in told] == [[TOKENS, ASKED]] * 3
                sent = [each.headers[-1].pop("authorization") for each in told]
                assert len(set(sent)) == 3
                assert told[1].headers[-1] == told[2].headers[-1] == told[0].headers[-1]
            served.answers[TOKENS] = [Canned.of({"error": "invalid_grant"}, 400)]
            by_instructor, *others = await told_on_each(paths, served)
            assert others == [by_instructor] * 2
            assert [path for path, _ in by_instructor.asked] == [TOKENS]


async def test_cookies_of_the_server_go_back_to_it() -> None:
    def setting(number: int) -> Canned:
        return Canned(message().body, headers={"set-cookie": f"session={number}; Path=/"})

    with endpoints({ASKED: setting(0)}) as served:
        async with both_paths(base_url=served.url) as paths:
            following = paths.following._asked()
            assert isinstance(following, HotPath)
            following._sent = None  # as where it is asked at once with the first
            for number in range(3):
                served.answers[ASKED] = [setting(number + 1)]
                by_instructor, *others = await told_on_each(paths, served)
                if number:
                    assert others == [by_instructor] * 2
                    assert by_instructor.headers[0]["cookie"] == f"session={number}"


async def test_a_redirect_is_followed_by_each_request() -> None:
    with endpoints({"POST /elsewhere": message()}) as other:
        moved = Canned(b"", 307, headers={"location": f"{other.url}/elsewhere"})
        with endpoints({ASKED: moved}) as served:
            async with both_paths(base_url=served.url) as paths:
                other.headers.clear()
                by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    assert [path for path, _ in by_instructor.asked] == [ASKED]
    assert getattr(by_instructor.outcome, "kind", None) is OutcomeKind.JUDGED
    assert other.headers == [other.headers[0]] * 3
    assert KEY not in str(other.headers)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1 that nobody else has heard of, and a server's context with it."""
    if which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=here", "-days", "1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *curve, *names, *made]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


async def test_an_authority_of_our_own_is_trusted_where_it_is_named(
    authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = authority
    with canned(200, message_body(GOOD), context=context) as url:
        async with both_paths(base_url=url) as paths:
            halts = [await path.judge(ITEM) for path in paths]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with both_paths(base_url=url) as paths:
            told = [await path.judge(ITEM) for path in paths]
    assert halts == [halts[0]] * 3
    assert isinstance(halts[0], Halt)
    assert told == [told[0]] * 3
    assert getattr(told[0], "kind", None) is OutcomeKind.JUDGED


async def test_nothing_is_logged_of_a_key_a_password_or_an_item(
    stub: StubMessagesAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with both_paths(base_url=with_password(stub.url)) as paths:
            caplog.clear()
            stub.script([Overloaded(), BrokenJson(), None])
            for _ in range(2):
                await paths.following.judge(ITEM)
            told = caplog.text + repr(vars(paths.following))
    assert not any(secret in told for secret in (KEY, PASSWORD, ITEM.body, str(ITEM.title)))
    # Three requests, none of them told twice because its reply was read twice.
    assert len([each for each in caplog.records if each.name == "httpx2"]) == 3


async def test_a_key_that_no_header_can_hold_is_told_alike_and_never_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = f"{KEY}\r\ntulips and roses"
    with caplog.at_level(logging.DEBUG), endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url, api_key=broken) as paths:
            told = [await path.judge(ITEM) for path in paths]
    assert served.asked == []
    assert told == [told[0]] * 3
    assert isinstance(told[0], Halt)
    assert "the key for a line break" in told[0].reason
    assert "roses" not in caplog.text + told[0].reason


async def test_a_model_that_is_deprecated_is_told_of_alike(
    stub: StubMessagesAPI, recwarn: pytest.WarningsRecorder
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with both_paths(base_url=stub.url, model="claude-instant-1.2") as paths:
            told = [await path.judge(ITEM) for path in paths]
    assert told == [told[0]] * 3
    assert "claude-instant-1.2" in getattr(told[0], "detail", "")
    async with Classifier(
        TAXONOMY, base_url=stub.url, api_key=KEY, model="claude-instant-1.2"
    ) as made:
        assert await kinds_of(made, 1) == [OutcomeKind.JUDGED]
    assert "claude-instant-1.2" in str(recwarn.pop(DeprecationWarning).message)


def with_password(url: str) -> str:
    return url.replace("://", f"://user:{PASSWORD}@")


async def test_a_password_in_the_base_url_is_sent() -> None:
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=with_password(served.url)) as paths:
            by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    sent = b64encode(f"user:{PASSWORD}".encode()).decode()
    assert by_instructor.headers[0]["authorization"] == f"Basic {sent}"


async def test_who_traces_sees_each_call_once(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "true")
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url) as paths:
            for reply in (message(), READ_AGAIN):
                served.answers[ASKED] = [reply]
                exporter.clear()
                told = await told_on_each(paths, served)
                spans = [span.name for span in exporter.get_finished_spans()]
                assert spans == ["anthropic.messages.create"] * 3
                assert all("traceparent" in each.headers[0] for each in told)
