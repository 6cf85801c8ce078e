"""Both paths to a verdict send the same and make the same of what comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import anyio
import pytest

from kclassify.core.verdict import OutcomeKind
from kclassify.testing import (
    BadConfidence,
    BrokenBody,
    Fault,
    Hang,
    LostReply,
    StubMessagesAPI,
    Throttled,
    Trickle,
    WrongLabel,
)
from kclassify.testing.faults import ContentFault
from tests.classifier.both_paths import ASKED, both_paths, message, told_on_each
from tests.classifier.endpoints import endpoints
from tests.classifier.odd_replies import BODIES, REPLIES
from tests.classifier.taxonomy import ITEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import UnionType

    from kclassify.classifier import Classifier
    from kclassify.core.decision import Halt
    from kclassify.core.verdict import Outcome
    from tests.classifier.endpoints import Canned
    from tests.classifier.taxonomy import Topic

SILENT = (Hang, LostReply, Trickle)
ODD = (Throttled(17), WrongLabel("Playbook"), BadConfidence(float("nan")), BrokenBody("text/html"))


def each_of(faults: UnionType, *, but: Iterable[type] = ()) -> list[Fault]:
    return [kind() for kind in get_args(faults) if kind not in but]


@pytest.fixture(scope="module", params=["aiohttp", "httpx", "trio"])
def transport(request: pytest.FixtureRequest) -> str:
    """What the SDK sends by; under trio that is httpx, too."""
    return str(request.param)


@pytest.fixture(scope="module")
def anyio_backend(transport: str) -> tuple[str, dict[str, object]]:
    return "trio" if transport == "trio" else "asyncio", {}


@pytest.fixture(autouse=True)
def chosen_transport(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Spans, where another test had the library of OpenTelemetry loaded, take the SDK's own way.
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
    if transport == "httpx":
        monkeypatch.setattr("kclassify.classifier.connect.find_spec", {}.get)


def sent(stub: StubMessagesAPI) -> list[tuple[object, ...]]:
    return [
        (each.path, each.has_key, dict(each.headers), json.dumps(each.body), each.outcome)
        for each in stub.requests
    ]


async def test_every_fault_comes_to_the_same(stub: StubMessagesAPI, transport: str) -> None:
    scripts: list[Sequence[Fault | None]] = [[None]]
    scripts += [[fault, None] for fault in each_of(Fault, but=SILENT)]
    if transport == "aiohttp":  # what arrived is read alike, whatever brought it
        scripts += [[fault, None] for fault in ODD]
        scripts += [[fault, fault] for fault in each_of(ContentFault)]
    async with both_paths(base_url=stub.url) as paths:
        for script in scripts:
            told: list[tuple[object, object]] = []
            for path in paths:
                stub.clear()
                stub.script(script)
                outcome = await path.judge(ITEM)
                told.append((outcome, sent(stub)))
            assert told[1] == told[0], script
            assert told[2] == told[0], script


async def test_an_answer_that_does_not_come_in_time_is_the_same(stub: StubMessagesAPI) -> None:
    silent = [kind() for kind in SILENT]
    told: list[Outcome[Topic] | Halt] = []

    async def judge(path: Classifier[Topic]) -> None:
        told.append(await path.judge(ITEM))

    async with both_paths(base_url=stub.url) as paths:
        for path in paths:
            await path.judge(ITEM)
            path._timeout_s = 0.3
        stub.clear()
        stub.script(silent * 3)
        async with anyio.create_task_group() as tasks:
            for path in [*paths] * 3:
                tasks.start_soon(judge, path)
    assert getattr(told[0], "kind", None) is OutcomeKind.TIMED_OUT
    assert told == [told[0]] * 9
    requests = [each[:-1] for each in sent(stub)]
    assert requests == [requests[0]] * 9


async def test_every_body_comes_to_the_same(transport: str) -> None:
    # Under trio httpx2 leaves a generator to the collector, whoever asks.
    left_out = {"said to be zipped"} if transport == "trio" else set[str]()
    await compare({name: body for name, body in BODIES.items() if name not in left_out})


async def test_every_reply_comes_to_the_same(transport: str) -> None:
    if transport == "aiohttp":
        await compare(REPLIES)


async def compare(replies: Mapping[str, Canned]) -> None:
    with endpoints({ASKED: message()}) as served:
        async with both_paths(base_url=served.url) as paths:
            for name, reply in replies.items():
                served.answers[ASKED] = [reply]
                told = await told_on_each((paths.by_instructor, paths.following), served)
                assert told[1] == told[0], name
