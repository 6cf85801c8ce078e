from __future__ import annotations

import anyio

from kclassify import Classifier, Done, ReclassifyRunner, RunnerSettings
from kclassify.events import CallEnded, Event, Snoozing
from kclassify.testing import Fixed, StubMessagesAPI
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_table import MemoryTable
from tests.runner.world import rows
from tests.small import TAXONOMY


def test_steps_that_are_not_async_share_one_classifier() -> None:
    told: list[Event] = []
    with StubMessagesAPI(Fixed("left")) as stub:
        classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="stub")
        runner = ReclassifyRunner(
            source=MemoryTable(rows(40)),
            classifier=classifier,
            ledger=MemoryLedger(),
            settings=RunnerSettings(max_items=15),
            listeners=[told.append],
        )
        decisions = [runner.run_step() for _ in range(3)]
        assert decisions[-1] == Done()
        assert stub.answered == 40
    assert not [event for event in told if isinstance(event, Snoozing)]
    assert all(event.kind == "judged" for event in told if isinstance(event, CallEnded))


def test_a_classifier_that_was_closed_can_be_asked_again() -> None:
    with StubMessagesAPI(Fixed("left")) as stub:
        classifier = Classifier(TAXONOMY, base_url=stub.url, api_key="stub")

        async def ask() -> str:
            async with classifier:
                return (await classifier.classify("a text")).label

        assert [anyio.run(ask), anyio.run(ask)] == ["left", "left"]
        assert anyio.run(ask, backend="trio") == "left"
