"""What a source must do that several workers share."""
# ruff: noqa: S101, PLR2004, D102 - a suite of tests: each name says the behaviour

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from kclassify.core.item import Item, Key
from kclassify.ports import Divisible
from kclassify.testing.contracts.source_material import MakeSource, SourceMaterial

MakeDivisible = Callable[[Sequence[Item]], Divisible]
COUNTS, PARTS = (0, 1, 2, 7, 12), (1, 2, 3, 5, 12, 40)


class SourceDivision(SourceMaterial):
    """Parts of a `kclassify.ports.Divisible`; skipped for any other source."""

    @pytest.fixture
    def make_divisible(self, make_source: MakeSource) -> MakeDivisible:
        """`make_source`, where what it gives can be divided."""

        def make(items: Sequence[Item]) -> Divisible:
            source = make_source(items)
            if not isinstance(source, Divisible):
                pytest.skip("this source is not divisible: it has no `part` and no `divide`")
            return source

        return make

    def test_parts_have_every_item_once_and_in_order(self, make_divisible: MakeDivisible) -> None:
        for count in COUNTS:
            stored = self.items(count)
            source = make_divisible(stored)
            for parts in PARTS:
                found = _parts(source, parts)
                assert [item for part in found for item in part] == stored

    def test_parts_are_as_many_as_can_be_and_of_equal_size(
        self, make_divisible: MakeDivisible
    ) -> None:
        for count, parts in itertools.product(COUNTS, PARTS):
            source = make_divisible(self.items(count))
            sizes = source.divide(parts).sizes
            assert list(sizes) == [len(part) for part in _parts(source, parts)]
            assert len(sizes) == max(1, min(parts, count))
            assert max(sizes) - min(sizes) <= 1

    def test_a_part_ends_with_its_bound_and_the_last_one_is_not_empty(
        self, make_divisible: MakeDivisible
    ) -> None:
        stored = self.items(12)
        source = make_divisible(stored)
        bounds = source.divide(4).bounds
        assert list(bounds) == [self.key(number) for number in (2, 5, 8)]
        assert bounds == tuple(part[-1].key for part in _parts(source, 4)[:-1])

    def test_a_part_is_divided_again(self, make_divisible: MakeDivisible) -> None:
        stored = self.items(12)
        source = make_divisible(stored)
        for after, until in ((None, 5), (2, None), (2, 8), (7, 8), (8, 8), (11, None)):
            first = None if after is None else self.key(after)
            last = None if until is None else self.key(until)
            begin, end = 0 if after is None else after + 1, 12 if until is None else until + 1
            found = _parts(source, 3, first, last)
            assert [item for part in found for item in part] == stored[begin:end]
            assert source.divide(3, first, last).sizes == tuple(map(len, found))

    def test_bounds_of_items_that_are_gone_still_bound(self, make_divisible: MakeDivisible) -> None:
        stored = [self.item(number) for number in (0, 2, 4, 6)]
        source = make_divisible(stored)
        assert list(source.part(self.key(1), self.key(5), 10)) == stored[1:3]
        assert source.divide(2, self.key(1), self.key(5)).sizes == (1, 1)

    def test_a_part_comes_in_pages_too(self, make_divisible: MakeDivisible) -> None:
        stored = self.items(10)
        source = make_divisible(stored)
        until = self.key(6)
        assert list(source.part(self.key(1), until, 3)) == stored[2:5]
        assert list(source.part(self.key(4), until, 3)) == stored[5:7]
        assert list(source.part(until, until, 3)) == []

    def test_a_part_without_an_end_is_a_page(self, make_divisible: MakeDivisible) -> None:
        source = make_divisible(self.items(7))
        for after in (None, self.key(2), self.key(6)):
            assert list(source.part(after, None, 3)) == list(source.page(after, 3))

    @pytest.mark.parametrize("parts", [0, -1])
    def test_less_than_one_part_is_refused(self, make_divisible: MakeDivisible, parts: int) -> None:
        source = make_divisible(self.items(3))
        with pytest.raises(ValueError, match=f"not {parts}"):
            source.divide(parts)


def _parts(
    source: Divisible, parts: int, after: Key | None = None, until: Key | None = None
) -> list[list[Item]]:
    edges = [after, *source.divide(parts, after, until).bounds, until]
    return [_read(source, begin, end) for begin, end in itertools.pairwise(edges)]


def _read(source: Divisible, after: Key | None, until: Key | None) -> list[Item]:
    found: list[Item] = []
    page = source.part(after, until, 2)
    while page and len(found) < 100:
        found += page
        page = source.part(found[-1].key, until, 2)
    return found
