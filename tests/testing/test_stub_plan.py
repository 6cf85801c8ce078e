from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anthropic
import pytest

from kclassify.testing import (
    FaultPlan,
    Fixed,
    Overloaded,
    PlannedFault,
    Refusal,
    ServerError,
    StubMessagesAPI,
    Throttled,
    Unauthorized,
    read_plan,
)
from kclassify.testing.plan_entries import Arrival
from tests.testing.asking import MODEL, ask

if TYPE_CHECKING:
    from pathlib import Path


def arrival(index: int = 0, elapsed: float = 0.0, text: str = "", model: str = MODEL) -> Arrival:
    return Arrival(index, elapsed, text, model)


def test_both_ends_of_an_index_range_are_included() -> None:
    plan = FaultPlan((PlannedFault(fault=Overloaded(), first=2, last=4),))
    hit = [index for index in range(7) if plan.choose(arrival(index))]
    assert hit == [2, 3, 4]


def test_a_time_window_excludes_its_end() -> None:
    plan = FaultPlan((PlannedFault(fault=Overloaded(), after=20, until=40),))
    hit = [at for at in (0, 19.9, 20, 39.9, 40) if plan.choose(arrival(elapsed=at))]
    assert hit == [20, 39.9]


def test_all_conditions_of_an_entry_must_hold() -> None:
    plan = FaultPlan((PlannedFault(fault=Refusal(), contains="bomb", model="m"),))
    assert plan.choose(arrival(text="a bomb", model="m")) == Refusal()
    assert plan.choose(arrival(text="a bomb", model="n")) is None
    assert plan.choose(arrival(text="a poem", model="m")) is None


def test_the_first_entry_that_holds_decides_and_none_shields() -> None:
    plan = FaultPlan(
        (
            PlannedFault(fault=None, contains="safe"),
            PlannedFault(fault=Throttled(3), last=0),
            PlannedFault(fault=Unauthorized()),
        )
    )
    assert plan.choose(arrival(0)) == Throttled(3)
    assert plan.choose(arrival(1)) == Unauthorized()
    assert plan.choose(arrival(1, text="safe")) is None


def test_chance_is_decided_by_seed_and_index() -> None:
    def hits(seed: int) -> list[int]:
        plan = FaultPlan((PlannedFault(fault=ServerError(), probability=0.3),), seed)
        return [index for index in range(5000) if plan.choose(arrival(index))]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert len(hits(1)) == pytest.approx(1500, rel=0.1)


def test_two_entries_take_their_chances_apart() -> None:
    half = (PlannedFault(fault=fault, probability=0.5) for fault in (Overloaded(), ServerError()))
    plan = FaultPlan(tuple(half))
    chosen = [plan.choose(arrival(index)) for index in range(2000)]
    assert chosen.count(ServerError()) == pytest.approx(500, rel=0.2)
    assert chosen.count(None) == pytest.approx(500, rel=0.2)


def test_an_outage_on_the_wire_begins_and_ends_by_the_stubs_clock() -> None:
    now = [1000.0]
    plan = FaultPlan((PlannedFault(fault=Overloaded(), after=20, until=40),))
    with StubMessagesAPI(Fixed("pattern"), plan=plan, clock=lambda: now[0]) as stub:
        ask(stub)
        now[0] += 20
        with pytest.raises(anthropic.OverloadedError):
            ask(stub)
        now[0] += 20
        ask(stub)
    assert [record.outcome for record in stub.requests] == ["answered", "overloaded", "answered"]
    assert [record.received for record in stub.requests] == [1000, 1020, 1040]


def test_a_plan_in_a_file_sees_the_text_of_the_item(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    entry = {"fault": {"kind": "throttled", "retry_after": 9}, "contains": "poison"}
    path.write_text(json.dumps({"seed": 5, "entries": [entry]}), encoding="utf-8")
    plan = read_plan(path)
    assert plan == FaultPlan((PlannedFault(fault=Throttled(9), contains="poison"),), 5)
    with StubMessagesAPI(Fixed("pattern"), plan=plan) as stub:
        ask(stub, "wholesome")
        with pytest.raises(anthropic.RateLimitError):
            ask(stub, "some poison")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"entries": [{"fault": {"kind": "meteor"}}]}', "meteor"),
        ('{"entries": [{"fault": {"kind": "hang", "until": 3}}]}', "until: Unexpected keyword"),
        ('{"entries": [{"fault": null, "probability": 2}]}', "probability: .*less than or equal"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_bad_plan_is_one_line_that_names_the_file(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^\S*plan\.json: .*{fault}.*$"):
        read_plan(path)
