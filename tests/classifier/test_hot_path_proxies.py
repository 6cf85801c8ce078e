"""Both paths go by the proxies of the environment, and tell alike of those that let nothing by."""

from __future__ import annotations

import sys
from base64 import b64encode

import pytest

from kclassify.classifier import Classifier
from kclassify.core.decision import Halt
from kclassify.core.verdict import OutcomeKind
from kclassify.errors import MissingExtra, UsageError
from tests.classifier.both_paths import both_paths, message, told_on_each
from tests.classifier.endpoints import Canned, endpoints
from tests.classifier.taxonomy import KEY, TAXONOMY

READ_AGAIN = message(stop_reason="stop_sequence")
PASSWORD = "made-up-password"
TUNNEL = "CONNECT provider.invalid:443"
pytestmark = pytest.mark.usefixtures("no_spans_and_no_proxy")


async def test_a_proxy_of_the_environment_gets_each_request_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = "POST http://provider.invalid/v1/messages"
    with endpoints({asked: message()}) as served:
        monkeypatch.setenv("HTTP_PROXY", served.url)
        async with both_paths(base_url="http://provider.invalid") as paths:
            for reply in (message(), READ_AGAIN):
                served.answers[asked] = [reply]
                by_instructor, *others = await told_on_each(paths, served)
                assert others == [by_instructor] * 2
                assert [path for path, _ in by_instructor.asked] == [asked]


@pytest.mark.filterwarnings("ignore:.*will be removed in:DeprecationWarning")  # the SDK's uses
@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_proxy_that_lets_nothing_by_is_the_same_and_costs_nothing(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with endpoints({TUNNEL: Canned(b"", status)}) as served:
        monkeypatch.setenv("HTTPS_PROXY", served.url.replace("://", f"://user:{PASSWORD}@"))
        async with both_paths(base_url="https://provider.invalid") as paths:
            by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    sent = b64encode(f"user:{PASSWORD}".encode()).decode()
    assert by_instructor.headers[0]["proxy-authorization"] == f"Basic {sent}"
    outcome = by_instructor.outcome
    assert PASSWORD not in str(outcome)
    assert isinstance(outcome, Halt) == (status == 407)
    if isinstance(outcome, Halt):
        assert "the proxy with its password" in outcome.reason
    else:
        assert (outcome.kind, outcome.uncertain) == (OutcomeKind.UNAVAILABLE, 0)


def test_a_socks_proxy_wants_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", f"socks5://user:{PASSWORD}@127.0.0.1:9")
    with pytest.raises(MissingExtra, match="'socksio' package is not installed"):
        Classifier(TAXONOMY, api_key=KEY)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTPS_PROXY", f"ftp://user:{PASSWORD}@127.0.0.1:9", "Unknown scheme for proxy URL"),
        ("SSL_CERT_FILE", "/nowhere/authorities.pem", "SSL_CERT_FILE: /nowhere/authorities.pem"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:port", "Invalid port"),
        ("ANTHROPIC_PROFILE", "nobody", "nobody.json"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told_at_once(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=says) as raised:
        Classifier(TAXONOMY)
    assert PASSWORD not in str(raised.value)
