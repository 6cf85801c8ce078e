"""What CI can see of the measurement beside other tools: the server, the counts and the records."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx2
import pytest
from pydantic import BaseModel, TypeAdapter

from benchmarks.peers import tools
from benchmarks.peers.answering import answer, filled
from benchmarks.peers.figures import Figures, medians
from benchmarks.peers.run import run
from benchmarks.peers.scenarios import Scenario
from benchmarks.peers.serving import Served, serve
from benchmarks.peers.task import LABELS, Answer, made_texts

SCHEMA = Answer.model_json_schema()


class Nested(BaseModel):
    answers: list[Answer]


class Here(tools.Tool):
    """A tool that is installed in this environment."""

    @property
    def interpreter(self) -> Path:
        return Path(sys.executable)


def test_each_tool_has_a_script_and_pinned_requirements() -> None:
    scripts = {path.stem for path in tools.HERE.glob("with_*.py")}
    assert {tools.Tool(name).module.rpartition(".")[2] for name in tools.NAMES} == scripts
    for name in set(tools.NAMES) - {"kclassify"}:
        first = tools.Tool(name).requirements.read_text(encoding="utf-8").splitlines()[0]
        assert first.partition("==")[0].partition("[")[0] in {name, f"{name}-slim"}
        assert "==" in first


def test_the_server_says_what_each_way_of_asking_expects() -> None:
    request = {"model": "m", "messages": []}
    tool = {"name": "Answer", "input_schema": SCHEMA}
    by_tool = answer("/v1/messages", {**request, "tools": [tool]})["content"][0]
    assert Answer.model_validate(by_tool["input"]).label == "left"
    for asked in (
        {"output_config": {"format": {"schema": SCHEMA}}},
        {"output_format": {"schema": SCHEMA}},
    ):
        by_schema = answer("/v1/messages", {**request, **asked})["content"][0]
        assert Answer.model_validate_json(by_schema["text"]).label == "left"
    assert answer("/v1/messages", request)["content"][0]["text"] in LABELS


@pytest.mark.parametrize("kind", [dict[str, int], list[bool], str | None, float, Answer, Nested])
def test_what_a_schema_asks_for_is_filled_in(kind: type) -> None:
    adapter = TypeAdapter[object](kind)
    adapter.validate_python(filled(adapter.json_schema()))


@pytest.mark.slow
def test_a_tool_that_runs_is_measured() -> None:
    told = run(Here("kclassify"), "0", Scenario(name="zero", items=20), concurrency=10)
    assert (told.lost, told.asked_again, told.note) == (0, 0, "")
    assert told.items_per_second is not None
    assert told.seconds is not None
    assert told.items_per_second * told.seconds == pytest.approx(20)


@pytest.mark.slow
def test_items_without_a_label_are_lost() -> None:
    told = run(Here("anthropic"), "0", Scenario(name="down", items=3, share=1), concurrency=10)
    assert (told.lost, told.asked_again, told.items_per_second) == (3, 0, 0)


def test_a_tool_that_breaks_has_no_figures() -> None:
    told = run(Here("absent"), "0", Scenario(name="zero", items=3), concurrency=10)
    assert told.seconds is None
    assert "No module named" in told.note


def test_an_outage_begins_after_its_answers_and_an_item_answered_twice_is_counted() -> None:
    with serve(Scenario(name="outage", items=2, down_after=2, down_s=60)) as served:
        assert [ask(served, text) for text in ("id-10000", "id-10000", "id-10001")] == [
            200,
            200,
            529,
        ]
        assert served.answered_again() == 1


def ask(served: Served, text: str) -> int:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return httpx2.post(f"{served.url}/v1/messages", json=body).status_code


def test_medians_are_of_the_runs_that_ended_and_losses_the_worst() -> None:
    def one(seconds: float | None, lost: int | None, note: str = "") -> Figures:
        return Figures(
            tool="t", version="1", items_per_second=seconds, processor_s=seconds, peak_mb=seconds,
            lost=lost, asked_again=lost, seconds=seconds, note=note,
        )  # fmt: skip

    told = medians([one(1, 0), one(30, 2), one(2, 1), one(None, None, "did not end")])
    assert told == one(2, 2, "did not end")
    assert medians([one(None, None, "broken")]) == one(None, None, "broken")


def test_the_texts_are_the_same_for_the_same_seed() -> None:
    assert made_texts(3, seed=1) == made_texts(3, seed=1) != made_texts(3, seed=2)
    assert len({record["id"] for record in made_texts(2000, seed=1)}) == 2000
