from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kclassify.core.item import Item
from kclassify.errors import UsageError
from kclassify.evals.draw import Order, draw
from kclassify.evals.labelled import Frame, Split
from kclassify.evals.redraw import labelled_meanwhile, put_aside, with_labels
from tests.evals.rows import corpus, judged, topped_up, writes

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_that_was_drawn_stays_when_its_text_changes_afterwards() -> None:
    here = corpus({"new": 40, "rare": 9})
    rows = writes(here, 20).rows
    place = next(n for n, item in enumerate(here.source.items) if str(item.key) == rows[0].id)
    here.source.items[place] = replace(here.source.items[place], body="edited")
    drawn = topped_up(here, rows)
    assert drawn.rows[0].body == rows[0].body
    del here.source.items[place]
    with pytest.raises(UsageError, match="not among the proposals of pass 1"):
        topped_up(here, rows)


@pytest.mark.parametrize(
    ("frame", "size", "given", "complaint"),
    [
        (Frame.UNIFORM, 40, {}, "of the frame writes: draw the same"),
        (Frame.WRITES, 40, {"min_confidence": 0.95}, "there are no proposals of pass 1"),
        (Frame.WRITES, 40, {"min_confidence": 0.1}, "drawn from 30 rows, and now there are 31"),
    ],
)
def test_a_sample_grows_only_from_what_it_was_drawn_from(
    frame: Frame, size: int, given: dict[str, float], complaint: str
) -> None:
    here = corpus({"new": 30})
    rows = writes(here, 10).rows
    doubtful = Item(99, "text of 99", None, "old")
    here.source.items.append(doubtful)
    here.said.rows.append(judged(doubtful, "new", 0.2))
    with pytest.raises(UsageError, match=complaint):
        draw(here.population(frame, **given), Order(frame=frame, size=size), rows)


def test_a_sample_of_another_classifier_does_not_grow() -> None:
    here = corpus({"new": 30})
    rows = writes(here, 10).rows
    here.said.fingerprint = "e" * 64
    with pytest.raises(
        UsageError, match=r"not drawn from the verdicts of this classifier: .* --force"
    ):
        draw(here.population(Frame.WRITES), Order(frame=Frame.WRITES), rows)


def test_a_top_up_needs_writes_and_a_topped_up_sample_no_more_of_them() -> None:
    here = corpus({"new": 60, "rare": 9})
    with pytest.raises(UsageError, match="draw it with --frame writes"):
        topped_up(here, ())
    uniform = draw(here.population(Frame.UNIFORM), Order(frame=Frame.UNIFORM, size=5))
    with pytest.raises(UsageError, match="the sample that is there is uniform"):
        topped_up(here, uniform.rows)
    rows = topped_up(here, writes(here, 10).rows).rows
    with pytest.raises(UsageError, match="cannot grow in proportion any more"):
        draw(here.population(Frame.WRITES), Order(frame=Frame.WRITES, size=50), rows)


def test_labels_are_kept_for_the_same_texts_when_a_sample_is_drawn_anew() -> None:
    here = corpus({"new": 30})
    rows = writes(here, 10).rows
    old = [replace(rows[0], gold="new", votes={"ann": "new"}), replace(rows[1], body="other")]
    kept = with_labels(rows, [old[0], replace(old[1], gold="new")])
    assert (kept[0].gold, dict(kept[0].votes)) == ("new", {"ann": "new"})
    assert {row.gold for row in kept[1:]} == {None}


def test_a_file_is_put_aside_under_a_name_that_is_free(tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    for expected in ("sample.1.jsonl", "sample.2.jsonl"):
        path.write_text(expected)
        assert put_aside(path).name == expected
    assert (tmp_path / "sample.1.jsonl").read_text() == "sample.1.jsonl"


def test_a_row_that_was_labelled_keeps_its_split_when_it_is_drawn_again() -> None:
    rows = writes(corpus({"new": 30}), 10).rows
    seen = replace(rows[0], gold="new", split=Split.DEV)
    voted = replace(rows[1], votes={"ann": "new", "bo": "rare"}, split=Split.HOLDOUT)
    again = with_labels(rows, [seen, voted, replace(rows[2], split=Split.DEV)])
    assert [row.split for row in again[:4]] == [Split.DEV, Split.HOLDOUT, None, None]
    assert (again[0].gold, again[1].votes) == ("new", voted.votes)


def test_what_people_said_while_a_sample_was_drawn_is_in_it() -> None:
    here = corpus({"new": 30})
    before = [replace(row, gold="new", votes={"ann": "new"}) for row in writes(here, 3).rows]
    order = Order(frame=Frame.WRITES, size=6)
    drawn = draw(here.population(Frame.WRITES), order, before).rows
    now = [replace(before[0], gold=None, votes={}), replace(before[1], gold="rare"), before[2]]
    merged = labelled_meanwhile(drawn, before, now)
    assert [row.gold for row in merged] == [None, "rare", "new", None, None, None]
    with pytest.raises(UsageError, match="other rows are in the sample now"):
        labelled_meanwhile(drawn, before, now[1:])
