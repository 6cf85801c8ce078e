"""What every source must do."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

from collections.abc import Callable

import pytest

from kclassify.core.item import Item, Key
from kclassify.errors import SourceError
from kclassify.ports import Source, Survey
from kclassify.testing.contracts.hook import given
from kclassify.testing.contracts.source_division import SourceDivision
from kclassify.testing.contracts.source_material import MakeSource

Relabel = Callable[[Key, str | None], object]
Remove = Callable[[Key], object]
TEXT = 'Grüße, \U0001f40d\n„so“, eine; "Zeile"\t\\N, <b>&amp;</b>'


class SourceContract(SourceDivision):
    """A suite for a `kclassify.ports.Source`.

    A subclass overrides one fixture, `make_source`: it stores items, in place of those that it
    stored before, and gives a source over them.

        class TestMySource(SourceContract):
            @pytest.fixture
            def make_source(self, tmp_path):
                return lambda items: MySource(store(items, tmp_path / "articles"))

    The items come in the order of their keys: `k0001` and so on, or whatever `key` gives. Where
    rows can be written while a run reads them, also override `relabel` and `remove`. A source that
    is `Divisible` is divided, too.
    """

    @pytest.fixture
    def relabel(self) -> Relabel | None:
        """`relabel(key, label)` writes a row's label behind the source's back; None skips."""
        return None

    @pytest.fixture
    def remove(self) -> Remove | None:
        """`remove(key)` deletes a row behind the source's back; None skips."""
        return None

    def test_items_are_as_they_were_stored(self, make_source: MakeSource) -> None:
        stored = [self.item(0, "convention", TEXT), self.item(1)]
        assert list(make_source(stored).page(None, 10)) == stored

    def test_a_huge_body_is_whole(self, make_source: MakeSource) -> None:
        stored = [self.item(0, body="wörd " * 250_000), self.item(1)]
        assert list(make_source(stored).page(None, 10)) == stored

    def test_a_row_without_a_label_is_an_item(self, make_source: MakeSource) -> None:
        source = make_source([self.item(0, None), self.item(1)])
        assert [item.current for item in source.page(None, 10)] == [None, "convention"]
        assert source.survey({"convention"}) == Survey(2)

    def test_an_empty_body_is_an_item(self, make_source: MakeSource) -> None:
        (item,) = make_source([self.item(0, body="")]).page(None, 10)
        assert item.is_empty

    def test_pages_give_every_item_once_in_order(self, make_source: MakeSource) -> None:
        stored = self.items(10)
        source = make_source(stored)
        for limit in (1, 3, 5, 7, 10, 11):
            found = _pages(source, limit)
            assert [item for page in found for item in page] == stored
            assert all(len(page) == limit for page in found[:-1])
            assert len(found[-1]) < limit

    def test_a_page_is_found_by_its_key_alone(self, make_source: MakeSource) -> None:
        stored = self.items(10)
        source = make_source(stored)
        for after in (6, 2, 8, 0, 9, 4):
            assert list(source.page(self.key(after), 3)) == stored[after + 1 : after + 4]

    def test_a_page_can_be_read_again_and_from_before(self, make_source: MakeSource) -> None:
        stored = self.items(10)
        source = make_source(stored)
        for _ in range(2):
            assert list(source.page(None, 4)) == stored[:4]
            assert list(source.page(self.key(3), 4)) == stored[4:8]
            assert list(source.page(self.key(1), 2)) == stored[2:4]

    def test_another_source_over_the_same_rows_goes_on(self, make_source: MakeSource) -> None:
        stored = self.items(6)
        first = list(make_source(stored).page(None, 3))
        assert first + list(make_source(stored).page(first[-1].key, 10)) == stored

    def test_nothing_follows_the_last_item(self, make_source: MakeSource) -> None:
        assert list(make_source(self.items(3)).page(self.key(2), 5)) == []

    def test_no_rows_are_an_empty_source(self, make_source: MakeSource) -> None:
        source = make_source([])
        assert source.survey({"convention"}) == Survey(0)
        assert list(source.page(None, 5)) == []

    def test_a_row_that_is_relabelled_is_neither_skipped_nor_met_again(
        self, make_source: MakeSource, relabel: Relabel | None
    ) -> None:
        relabel = given(relabel, "relabel")
        source = make_source(self.items(9))
        seen: list[Key] = []
        for _ in range(10):
            for item in source.page(seen[-1] if seen else None, 2):
                seen.append(item.key)
                relabel(item.key, f"moved {len(seen) % 3}")
        assert seen == [self.key(number) for number in range(9)]

    def test_a_label_is_read_as_it_is_now(
        self, make_source: MakeSource, relabel: Relabel | None
    ) -> None:
        relabel = given(relabel, "relabel")
        source = make_source(self.items(3))
        source.page(None, 3)
        relabel(self.key(1), "moved")
        relabel(self.key(2), None)
        found = [item.current for item in source.page(None, 3)]
        assert found == ["convention", "moved", None]

    def test_rows_that_go_take_no_others_with_them(
        self, make_source: MakeSource, remove: Remove | None
    ) -> None:
        remove = given(remove, "remove")
        source = make_source(self.items(8))
        seen = [item.key for item in source.page(None, 3)]
        for number in (0, 1, 5):
            remove(self.key(number))
        seen += [item.key for item in source.page(seen[-1], 10)]
        assert seen == [self.key(number) for number in (0, 1, 2, 3, 4, 6, 7)]

    def test_after_a_row_that_is_gone_come_the_next_ones_or_an_error(
        self, make_source: MakeSource, remove: Remove | None
    ) -> None:
        remove = given(remove, "remove")
        source = make_source(self.items(6))
        source.page(None, 3)
        remove(self.key(2))
        try:
            found = [item.key for item in source.page(self.key(2), 10)]
        except SourceError:
            return
        assert found == [self.key(number) for number in (3, 4, 5)]

    def test_unknown_labels_are_counted_and_told_with_some_of_their_keys(
        self, make_source: MakeSource
    ) -> None:
        many = [self.item(number, "gone") for number in range(10, 18)]
        source = make_source([self.item(1), self.item(2, "odd"), self.item(3, None), *many])
        survey = source.survey({"convention"})
        assert survey.items == 11
        assert {found.label: found.rows for found in survey.unknown} == {"gone": 8, "odd": 1}
        keys = {found.label: set(found.keys) for found in survey.unknown}
        assert keys["odd"] == {self.key(2)}
        assert keys["gone"]
        assert keys["gone"] <= {item.key for item in many}

    def test_labels_are_compared_by_case(self, make_source: MakeSource) -> None:
        source = make_source([self.item(1, "Convention")])
        assert [found.label for found in source.survey({"convention"}).unknown] == ["Convention"]

    def test_a_survey_changes_no_page(self, make_source: MakeSource) -> None:
        stored = self.items(4)
        source = make_source(stored)
        assert list(source.page(None, 10)) == stored
        source.survey(set())
        assert list(source.page(None, 10)) == stored

    def test_it_is_described_in_one_line(self, make_source: MakeSource) -> None:
        assert len(make_source(self.items(1)).description.splitlines()) == 1


def _pages(source: Source, limit: int) -> list[list[Item]]:
    found = [list(source.page(None, limit))]
    while len(found[-1]) == limit and len(found) < 100:
        found.append(list(source.page(found[-1][-1].key, limit)))
    return found
