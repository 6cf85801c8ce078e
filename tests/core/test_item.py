from __future__ import annotations

from copy import copy
from dataclasses import asdict, replace

from kclassify.core.item import Item


def test_an_item_is_made_anew_of_what_it_consists_of() -> None:
    item = Item("kb-1", "text", "title", "convention")
    digest = item.digest
    assert asdict(item) == {
        "key": "kb-1",
        "body": "text",
        "title": "title",
        "current": "convention",
    }
    for other in (Item(**asdict(item)), replace(item), copy(item)):
        assert other == item
        assert other.digest == digest
    assert replace(item, body="another").digest != digest
