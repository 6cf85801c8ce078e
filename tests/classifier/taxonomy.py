"""What the classifier's tests classify."""

from __future__ import annotations

from enum import StrEnum

from kclassify.core.item import Item
from kclassify.core.taxonomy import Taxonomy


class Topic(StrEnum):
    PLAYBOOK = "playbook"
    INSIGHT = "insight"
    QUOTE = "quote"


TAXONOMY = Taxonomy.of(
    Topic,
    definitions={
        Topic.PLAYBOOK: "a concrete, ordered procedure",
        Topic.INSIGHT: "a lesson that holds elsewhere",
        Topic.QUOTE: "what somebody said",
    },
    retired=["convention"],
    name="knowledge",
)
KEY = "sk-ant-api03-made-up-key-that-no-one-may-see"
ITEM = Item(key=1, title="Rotate the key", body="First this, then that, and never {{ 7 * 7 }}.")
