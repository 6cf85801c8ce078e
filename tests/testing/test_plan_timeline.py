"""Latencies, closed ports and plans with names, on a clock that tests move."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anthropic
import pytest

from kclassify.testing import (
    ConnectionsRefused,
    FaultPlan,
    Fixed,
    FixedLatency,
    Hang,
    LognormalLatency,
    Overloaded,
    PlannedFault,
    PlannedLatency,
    RateLimits,
    ResetAtOnce,
    ServerError,
    StubMessagesAPI,
    Unauthorized,
    plans,
    read_plan,
)
from kclassify.testing.plan_entries import Arrival
from tests.testing.asking import MODEL, arguments, ask

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = """{
  "seed": 7,
  "entries": [
    {"fault": {"kind": "throttled", "retry_after": 30}, "after": 10, "until": 20},
    {"latency": "2s-lognormal-0.8-20s", "after": 20, "until": 40},
    {"latency": {"median": 2, "cut": 20}, "probability": 0.01},
    {"latency": {"duration": 5}, "contains": "slow"},
    {"connections": "refused", "after": 60, "until": 90},
    {"fault": {"kind": "server_error"}, "probability": 0.02}
  ],
  "rate_limits": {"requests_per_minute": 50, "burst": 5}
}"""


def arrival(index: int = 0, elapsed: float = 0.0, text: str = "") -> Arrival:
    return Arrival(index, elapsed, text, MODEL)


def read(folder: Path, text: str) -> FaultPlan:
    path = folder / "plan.json"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


class Clock:
    """A stub's clock that the test moves, and a stub on it."""

    def __init__(self, plan: FaultPlan) -> None:
        self.now = 100.0
        self.stub = StubMessagesAPI(Fixed("pattern"), plan=plan, clock=lambda: self.now)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.stub.catch_up()


def test_a_plan_in_a_file_holds_everything(tmp_path: Path) -> None:
    plan = read(tmp_path, EVERYTHING)
    assert [type(entry) for entry in plan.entries] == [
        PlannedFault,
        PlannedLatency,
        PlannedLatency,
        PlannedLatency,
        ConnectionsRefused,
        PlannedFault,
    ]
    assert plan.latency(arrival(elapsed=25)) == LognormalLatency(2, 0.8, 20)
    assert plan.latency(arrival(text="a slow one")) == FixedLatency(5)
    assert [plan.refuses(at) for at in (59.9, 60, 89.9, 90)] == [False, True, True, False]
    assert plan.rate_limits == RateLimits(50, burst=5)
    assert read(tmp_path, plan.to_json()) == plan


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"after": 3}, "entries.0: an entry has one of `fault`, `latency` and `connections`"),
        ({"fault": None, "latency": "2s"}, "entries.0: an entry has one of"),
        ({"fault": None, "afte": 3}, "entries.0.afte: Unexpected keyword argument"),
        ({"latency": "2s", "afte": 3}, "entries.0.afte: Unexpected keyword argument"),
        ({"latency": "2h"}, "entries.0.latency: not a latency: '2h'"),
        ({"latency": {"median": 2, "x": 1}}, "entries.0.latency.*x: Unexpected keyword argument"),
        ({"latency": {"duration": 2, "x": 1}}, "entries.0.latency.*x: Unexpected keyword argument"),
        ({"connections": "lost"}, "entries.0.connections: Input should be 'refused'"),
        ({"connections": "refused", "first": 3}, "entries.0.first: Unexpected keyword argument"),
        ({"fault": None, "after": 3, "until": 3}, r"entries.0: `until` \(3\) must come after"),
    ],
)
def test_what_an_entry_cannot_say_is_named(tmp_path: Path, entry: object, told: str) -> None:
    with pytest.raises(ValueError, match=rf"^\S*plan\.json: {told}.*$"):
        read(tmp_path, json.dumps({"entries": [entry]}))


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"rpm": 50}, "rate_limits.rpm: Unexpected keyword argument"),
        ({"requests_per_minute": 0}, "rate_limits.requests_per_minute: Input should be greater"),
    ],
)
def test_what_a_limit_cannot_be_is_named(tmp_path: Path, limits: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read(tmp_path, json.dumps({"rate_limits": limits}))


def test_a_latency_has_no_say_on_faults_nor_a_fault_on_latencies() -> None:
    slow = PlannedLatency(latency=FixedLatency(1), last=4)
    plan = FaultPlan(
        (slow, PlannedFault(fault=None, first=0), PlannedLatency(latency=FixedLatency(2)))
    )
    assert plan.choose(arrival()) is None
    assert [plan.latency(arrival(index)) for index in (4, 5)] == [FixedLatency(1), FixedLatency(2)]


def test_a_slow_phase_is_slow_for_refusals_too() -> None:
    plan = plans.slow(10, 10, FixedLatency(60)) + plans.outage(15, 5)
    clock = Clock(plan)
    with clock.stub as stub:
        ask(stub)
        for seconds in (10, 5):
            clock.pass_by(seconds)
            with pytest.raises(anthropic.APITimeoutError):
                ask(stub, timeout=0.2)
        clock.pass_by(5)
        ask(stub)
    assert stub.state.outcomes == {"answered": 2, "disconnected": 2}


def test_connections_are_refused_for_a_while() -> None:
    clock = Clock(plans.unreachable(20, 10))
    with (
        clock.stub as stub,
        anthropic.Anthropic(base_url=stub.url, api_key="made-up", max_retries=0) as client,
    ):
        client.messages.create(**arguments())
        clock.pass_by(20)
        for _ in range(3):  # the pooled connection, and new ones
            with pytest.raises(anthropic.APIConnectionError):
                client.messages.create(**arguments())
        assert not is_open(("127.0.0.1", urlsplit(stub.url).port or 0))
        clock.pass_by(10)
        client.messages.create(**arguments())
    assert stub.state.outcomes == {"answered": 2}


def test_no_request_is_answered_before_the_stub_has_looked_at_its_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kclassify.testing.opening_hours._LOOK_EVERY_S", 3600)
    clock = Clock(plans.unreachable(20, 10))
    with clock.stub as stub:
        ask(stub)
        clock.now += 20
        with pytest.raises(anthropic.APIConnectionError):
            ask(stub)
        clock.now += 10
        ask(stub)
    assert stub.count == 2


def test_a_clock_that_runs_fast_opens_the_port_by_itself() -> None:
    plan = plans.unreachable(0, 60)
    with StubMessagesAPI(Fixed("pattern"), plan=plan, clock=lambda: time.monotonic() * 300) as stub:
        with pytest.raises(anthropic.APIConnectionError):
            ask(stub)
        address = ("127.0.0.1", urlsplit(stub.url).port or 0)
        deadline = time.monotonic() + 10
        while not is_open(address) and time.monotonic() < deadline:
            pass
        ask(stub)


def is_open(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_pause_by_hand_outlasts_the_plan() -> None:
    clock = Clock(plans.unreachable(20, 10))
    with clock.stub as stub:
        stub.pause_listening()
        clock.pass_by(5)
        with pytest.raises(anthropic.APIConnectionError):
            ask(stub)
        stub.resume_listening()
        ask(stub)


def test_a_reset_at_once_sends_no_byte() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        stub.set_fault(ResetAtOnce())
        with pytest.raises(anthropic.APIConnectionError):
            ask(stub)
        with socket.create_connection(("127.0.0.1", urlsplit(stub.url).port or 0)) as raw:
            body = json.dumps(arguments()).encode()
            head = ["POST /v1/messages HTTP/1.1", "host: x", "x-api-key: k"]
            head += [f"content-length: {len(body)}", "", ""]
            raw.sendall("\r\n".join(head).encode() + body)
            with pytest.raises(ConnectionResetError):
                raw.recv(1)
    assert stub.state.outcomes == {"reset_at_once": 2}


def test_plans_add_up() -> None:
    plan = (
        plans.outage(20, 20, Hang())
        + plans.flaky(0.5, seed=3)
        + plans.rate_limited(50, burst=2)
        + plans.rate_limited(60, input_tokens_per_minute=1000)
    )
    assert plan.choose(arrival(elapsed=30)) == Hang()
    chosen = [plan.choose(arrival(index)) for index in range(1000)]
    assert chosen.count(ServerError()) == pytest.approx(500, rel=0.2)
    assert plan.seed == 3
    assert plan.rate_limits == RateLimits(50, 1000, burst=2)
    assert plans.outage(1, 2) + FaultPlan() == plans.outage(1, 2)


def test_each_plan_does_what_its_name_says() -> None:
    assert plans.key_rotated(3).choose(arrival(2)) is None
    assert plans.key_rotated(3).choose(arrival(3)) == Unauthorized()
    assert plans.poisonous("bomb").choose(arrival(text="a poem")) is None
    assert plans.poisonous("bomb", Hang()).choose(arrival(text="a bomb")) == Hang()
    brown = plans.brownout(10, 10, rate=0.5)
    chosen = [brown.choose(arrival(index, 15)) for index in range(1000)]
    assert chosen.count(Overloaded()) == pytest.approx(500, rel=0.2)
    assert brown.choose(arrival(elapsed=20)) is None
    assert brown.latency(arrival(elapsed=15)) is not None
    assert brown.latency(arrival(elapsed=20)) is None
