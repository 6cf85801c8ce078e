"""Processor time of a call, and of an item through the whole runner, in processes of their own.

The server is another process, costs little and answers at once; each way labels the same texts.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.peers.run import run
from benchmarks.peers.scenarios import Scenario
from benchmarks.peers.tools import Tool
from tests.benchmarks.conftest import Alternate, Record
from tests.benchmarks.ratios import Ratio

ITEMS, CONCURRENCY, ROUNDS = 1000, 50, 5
CREATE = "the SDK's `messages.create` alone"
PIPELINE = "the whole runner, with verdicts, ledger and writes"
JUDGE = "`Classifier.judge` alone"


class Way(Tool):
    """One way to label the texts, with what is installed in this environment."""

    @property
    def interpreter(self) -> Path:
        return Path(sys.executable)

    def cost(self) -> float:
        """Microseconds of processor an item."""
        figures = run(self, "", Scenario(name="zero", items=ITEMS), CONCURRENCY)
        assert figures.processor_s is not None, figures.note
        assert (figures.lost, figures.asked_again) == (0, 0)
        return figures.processor_s * 1000


class Judging(Way):
    @property
    def module(self) -> str:
        return "tests.benchmarks.judging"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("subject", "told", "reference", "beside", "at_most"),
    [
        (Way("kclassify"), PIPELINE, Way("anthropic"), CREATE, 0.6),
        (Judging("judging"), JUDGE, Way("anthropic"), CREATE, None),
        (Judging("judging"), JUDGE, Way("instructor"), "instructor alone", None),
    ],
    ids=["pipeline-create", "judge-create", "judge-instructor"],
)
def test_an_item_costs_less_processor_time_than_a_call_of_the_bare_sdk(
    subject: Way,
    told: str,
    reference: Way,
    beside: str,
    at_most: float | None,
    alternate: Alternate,
    record: Record,
) -> None:
    medians = alternate(subject.cost, reference.cost, ROUNDS)
    record(
        Ratio(
            group="processor",
            subject=told,
            reference=beside,
            ratio=medians.ratio,
            at_most=at_most or 1.0,
            detail=f"{medians.subject:,.0f} and {medians.reference:,.0f} us an item",
        )
    )
