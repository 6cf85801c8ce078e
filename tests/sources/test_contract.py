"""What every source does, whatever it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.item import Item
from kclassify.ports import Survey, UnknownLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.ports import Source

    Make = Callable[[list[dict[str, Any]]], Source]


def row(number: int, category: str | None = "convention", body: str = "text") -> dict[str, Any]:
    return {"id": f"k{number:04}", "title": f"t{number}", "body": body, "category": category}


def pages(source: Source, limit: int) -> list[list[Item]]:
    found = [list(source.page(None, limit))]
    while len(found[-1]) == limit:
        found.append(list(source.page(found[-1][-1].key, limit)))
    return found


def test_items_carry_key_title_body_and_label(make_source: Make) -> None:
    source = make_source([row(1, "convention", 'Grüße, \U0001f40d\n„so“, eine; "Zeile"')])
    (item,) = source.page(None, 10)
    body = 'Grüße, \U0001f40d\n„so“, eine; "Zeile"'
    assert item == Item(key="k0001", title="t1", body=body, current="convention")


def test_a_row_without_a_label_is_an_item(make_source: Make) -> None:
    source = make_source([row(1, None), row(2)])
    assert [item.current for item in source.page(None, 10)] == [None, "convention"]
    assert source.survey({"convention"}) == Survey(2)


def test_an_empty_body_is_an_item(make_source: Make) -> None:
    (item,) = make_source([row(1, body="")]).page(None, 10)
    assert item.is_empty


@pytest.mark.parametrize("limit", [1, 3, 7, 10, 11])
def test_pages_give_every_item_once_in_order(make_source: Make, limit: int) -> None:
    source = make_source([row(n) for n in range(10)])
    found = pages(source, limit)
    assert [item.key for page in found for item in page] == [f"k{n:04}" for n in range(10)]
    assert all(len(page) == limit for page in found[:-1])


def test_a_page_can_be_read_again_and_from_before(make_source: Make) -> None:
    source = make_source([row(n) for n in range(10)])
    first, second = source.page(None, 4), source.page("k0003", 4)
    assert source.page("k0003", 4) == second
    assert source.page("k0001", 2) == first[2:4]
    assert source.page(None, 4) == first


def test_nothing_follows_the_last_item(make_source: Make) -> None:
    source = make_source([row(n) for n in range(3)])
    assert list(source.page("k0002", 5)) == []


def test_no_rows_are_an_empty_source(make_source: Make) -> None:
    source = make_source([])
    assert source.survey({"convention"}) == Survey(0)
    assert list(source.page(None, 5)) == []


def test_unknown_labels_come_with_their_count_and_five_keys(make_source: Make) -> None:
    many = [row(n, "gone") for n in range(10, 18)]
    source = make_source([row(1), row(2, "odd"), row(3, None), *many])
    assert source.survey({"convention"}) == Survey(
        11,
        (
            UnknownLabel("gone", 8, tuple(f"k{n:04}" for n in range(10, 15))),
            UnknownLabel("odd", 1, ("k0002",)),
        ),
    )


def test_labels_are_compared_by_case(make_source: Make) -> None:
    source = make_source([row(1, "Convention")])
    assert [found.label for found in source.survey({"convention"}).unknown] == ["Convention"]


def test_a_page_before_any_survey_is_the_same(make_source: Make) -> None:
    given = [row(n) for n in range(4)]
    source = make_source(given)
    before = list(source.page(None, 10))
    source.survey(set())
    assert list(source.page(None, 10)) == before
