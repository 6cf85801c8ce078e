"""A call that the provider may have answered is never told as one that was not sent."""

from __future__ import annotations

import pytest

from kclassify.core.decision import Halt
from kclassify.core.verdict import OutcomeKind
from tests.classifier.both_paths import ASKED, both_paths, message, told_on_each
from tests.classifier.endpoints import Canned, endpoints

BODY = message().body
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
SAID = {
    "nothing": b"",
    "half of a status": b"HTTP/1.1 2",
    "no status": b"HELLO\r\n\r\n",
    "a header that is none": HEAD + b"no header\r\n\r\n",
    "a header without end": HEAD + b"x: " + b"y" * 200_000,
    "no body": HEAD + b"content-length: 9\r\n\r\n",
    "half of the body": HEAD + b"content-length: 9999\r\n\r\n" + BODY,
    "a length that is none": HEAD + b"content-length: odd\r\n\r\n" + BODY,
    "half of a chunk": CHUNKED + b"fff\r\n" + BODY,
    "no chunk": CHUNKED + b"odd\r\n" + BODY,
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_who_hangs_up_on_a_request_that_it_has_may_have_answered(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url) as paths:
            served.answers[ASKED] = [Canned(said, status=0)]
            by_instructor, *others = await told_on_each(paths, served)
    assert others == [by_instructor] * 2
    assert len(by_instructor.asked) == 1
    outcome = by_instructor.outcome
    assert not isinstance(outcome, Halt)
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert (outcome.uncertain or 0) > 0


async def test_who_answers_in_chunks_or_until_it_hangs_up_has_answered() -> None:
    whole = (CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n", HEAD + b"\r\n" + BODY)
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url) as paths:
            for said in whole:
                served.answers[ASKED] = [Canned(said, status=0)]
                told = await told_on_each(paths, served)
                kinds = [getattr(each.outcome, "kind", None) for each in told]
                assert kinds == [OutcomeKind.JUDGED] * 3
