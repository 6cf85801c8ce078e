"""What the pictures are made of: places, foldings, counts that add up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.evaluation import Transition
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.report.confusions import MOST_SHOWN, confused, grid
from kclassify.report.inert import inert, one_line
from kclassify.report.moves import NARROW, WIDE, Canvas, flow_rows, moves, shortened
from kclassify.report.strips import axis_start, forest, impact_rows, strip
from tests.report import evaluations
from tests.report.evaluations import TEN

LABELS = st.sampled_from([f"label {n}" for n in range(30)])
MOVES = st.lists(
    st.builds(Transition, before=st.none() | LABELS, after=LABELS, count=st.integers(1, 10**6)),
    min_size=1,
    max_size=60,
)
PAIRS = st.lists(st.tuples(LABELS, LABELS, st.integers(1, 50)), min_size=1, max_size=80)


@given(MOVES)
def test_every_row_that_moves_is_in_the_picture_once(made: list[Transition]) -> None:
    picture = moves(made, ())
    assert picture is not None
    total = sum(each.count for each in made)
    assert sum(node.rows for node in picture.before) == total
    assert sum(node.rows for node in picture.after) == total
    assert len(picture.before) <= 8
    assert len(picture.after) <= 8


@pytest.mark.parametrize(("canvas", "apart"), [(WIDE, 16), (NARROW, 34)])
@given(made=MOVES)
def test_names_in_the_picture_keep_their_distance(
    canvas: Canvas, apart: int, made: list[Transition]
) -> None:
    picture = moves(made, (), canvas)
    assert picture is not None
    for side in (picture.before, picture.after):
        middles = [node.middle for node in side]
        assert all(b - a > apart for a, b in pairwise(middles))
        assert side[-1].top + side[-1].height <= picture.height + 0.2


def test_alarms_are_marked_and_come_first() -> None:
    full = evaluations.passed()
    picture = moves(full.transitions, full.flows)
    assert picture is not None
    alarms = {flow.label for flow in full.flows if flow.alarm}
    assert {node.name for node in picture.after if node.alarm} == alarms
    rows = flow_rows(full.flows)
    assert [row.flow.alarm for row in rows] == sorted((r.flow.alarm for r in rows), reverse=True)
    assert max(max(row.in_width, row.out_width) for row in rows) == 100


def test_without_moves_there_is_no_picture() -> None:
    assert moves((), ()) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("playbook", "playbook"),
        ("card_payment_wrong_exchange_rate", "card_paymen\u2026change_rate"),
        ("\u6f22" * 20, "\u6f22" * 5 + "\u2026" + "\u6f22" * 5),
    ],
)
def test_long_names_are_cut_in_their_middle(name: str, shown: str) -> None:
    assert shortened(name) == shown


@given(PAIRS)
def test_a_folded_matrix_holds_the_same_weight(pairs: list[tuple[str, str, int]]) -> None:
    matrix = ConfusionMatrix.of((), pairs)
    made = grid(matrix)
    assert len(made.labels) == len(made.rows) == len(made.totals) <= MOST_SHOWN + 1
    assert made.folded == max(0, len(matrix.labels) - MOST_SHOWN)
    total = sum(weight for _, _, weight in pairs)
    assert sum(int(said.replace(",", "")) for said in made.totals) == total
    cells = [cell.text.replace(",", "") for row in made.rows for cell in row]
    assert sum(int(text or "0") for text in cells) == total


def test_the_diagonal_is_right_and_the_rest_is_wrong() -> None:
    made = grid(ConfusionMatrix(("a", "b"), ((9.0, 1.0), (0.0, 0.0))))
    assert [cell.heat for cell in made.rows[0]] == ["good-5", "bad-1"]
    assert [cell.heat for cell in made.rows[1]] == ["", ""]
    assert made.totals == ("10", "0")


def test_the_heaviest_confusion_comes_first() -> None:
    matrix = ConfusionMatrix(("a", "b"), ((5.0, 1.0), (4.0, 4.0)))
    assert [(each.gold, each.predicted, each.share) for each in confused(matrix)] == [
        ("b", "a", 0.5),
        ("a", "b", pytest.approx(1 / 6)),
    ]


def test_a_strip_lies_between_its_ends() -> None:
    made = strip(Interval(0.5, 0.25, 1.2, 10, "x"))
    assert (made.low, made.point, made.high) == (25, 50, 100)
    assert strip(Interval(-5, -10, 0, 10, "x"), -10, 10).start == 50


def test_a_loss_has_a_zero_to_be_seen_against() -> None:
    full = evaluations.failed().impact
    assert full is not None
    loss = replace(full, net=Interval(-300, -900, 200, 212, "x"))
    rows = impact_rows(loss)
    assert all(row.strip.start > 0 for row in rows)
    assert rows[-1].estimate == "\u2212300"
    assert rows[-1].strip.point < rows[-1].strip.start


def test_the_category_that_most_rows_are_wrong_about_comes_first() -> None:
    classes = evaluations.scores(TEN).classes
    assert {each.label for each in forest(classes)} == set(TEN)
    never = replace(classes[0], gold=0, predicted=0, precision=None, recall=None, f1=None)
    assert [each.label for each in forest((never, classes[1]))] == [classes[1].label]
    assert axis_start([None]) == 0
    assert axis_start([classes[0].recall, None]) % 0.1 == pytest.approx(0, abs=1e-9)


@given(st.text(max_size=80))
def test_inert_text_has_nothing_that_cannot_be_seen(text: str) -> None:
    made = inert(text)
    assert len(made) <= len(text)
    assert all(
        letter.isprintable() or letter in "\n\t\u200c\u200d \u00a0" or letter.isspace()
        for letter in made
    )
    made.encode("utf-8")


def test_inert_text_is_cut_and_keeps_what_scripts_need() -> None:
    assert inert("a" * 10, 4) == "aaaa\u2026"
    assert inert("a" * 4, 4) == "aaaa"
    assert inert("\u202eevil\u2069\x00") == "\ufffdevil\ufffd\ufffd"
    assert inert("\u0645\u06cc\u200c\u0634\u0648\u062f") == "\u0645\u06cc\u200c\u0634\u0648\u062f"
    assert one_line(" a\n\n b\t c ") == "a b c"
