"""Asks for one label that a type checker knows: `verdict.label` is a `Topic`.

With ANTHROPIC_API_KEY set it asks Anthropic: two short calls. Without a key it starts the stub API
of kclassify.testing (extra `testing`) and asks that, so that it runs offline.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from enum import StrEnum
from typing import assert_never

import anyio

from kclassify import Classifier, Taxonomy
from kclassify.testing import Rule, StubMessagesAPI


class Topic(StrEnum):
    """What a message is about."""

    BILLING = "billing"
    OUTAGE = "outage"


TOPICS = Taxonomy.of(
    Topic,
    definitions={
        Topic.BILLING: "invoices, prices and payments",
        Topic.OUTAGE: "something that worked no longer does",
    },
)


def team(topic: Topic) -> str:
    """Who answers. A new topic without a team is an error of the type checker."""
    match topic:
        case Topic.BILLING:
            return "accounts"
        case Topic.OUTAGE:
            return "on-call"
    assert_never(topic)


async def route(*messages: str) -> None:
    """Print who answers each message."""
    async with Classifier(TOPICS) as classifier:
        for message in messages:
            verdict = await classifier.classify(message)
            print(f"{message!r}: {team(verdict.label)} ({verdict.confidence:.2f})")


with ExitStack() as stack:
    if not os.environ.get("ANTHROPIC_API_KEY"):
        said = Rule(lambda text, _: (("billing" if "charged" in text else "outage"), 0.95))
        stub = stack.enter_context(StubMessagesAPI(said))
        os.environ |= {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "stub"}
    anyio.run(route, "I was charged twice", "The export page is down since this morning")
