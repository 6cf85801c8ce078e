from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.canary import (
    Inspection,
    Pending,
    SpotCheck,
    Spotted,
    Standard,
    Tranches,
    WrittenRow,
    go_on,
)
from kclassify.core.decision import Halt
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.core.item import encode_key, keys_spelt
from tests.core.test_gate import record

if TYPE_CHECKING:
    from collections.abc import Iterable

COUNTS = st.integers(0, 400)


def rows(count: int, label: str = "a") -> list[WrittenRow]:
    return [WrittenRow(str(n), label, f"digest {n}") for n in range(1, count + 1)]


def seen(keys: Iterable[int], gold: str = "a") -> list[SpotCheck]:
    return [SpotCheck(key, gold) for key in keys]


def inspected(right: int = 0, wrong: int = 0, written: int | None = None) -> Inspection:
    """Rows of which the first were looked at."""
    count = right + wrong if written is None else written
    checks = seen(range(1, right + 1)) + seen(range(right + 1, right + wrong + 1), "b")
    return Inspection.of(rows(count), checks)


def test_only_checks_of_written_rows_count_and_keys_count_by_their_text() -> None:
    written = [WrittenRow("1", "a"), WrittenRow("2", "a"), WrittenRow("x", "b")]
    checks = [SpotCheck(1, "a"), SpotCheck("2", "b"), SpotCheck("x", "b"), SpotCheck(9, "a")]
    assert Inspection.of(written, checks).spotted == Spotted(right=2, wrong=1)


def test_of_several_checks_of_one_row_the_last_counts() -> None:
    checks = [SpotCheck(1, "a"), SpotCheck("1", "b")]
    assert Inspection.of([WrittenRow("1", "a")], checks).spotted == Spotted(right=0, wrong=1)


def test_of_several_writes_of_one_row_the_last_counts() -> None:
    written = [WrittenRow("1", "a"), WrittenRow("1", "b")]
    inspection = Inspection.of(written, [SpotCheck(1, "b")])
    assert inspection == Inspection(Spotted(right=1), (None, True))


def test_a_row_that_the_gate_has_counted_is_no_fresh_evidence() -> None:
    inspection = Inspection.of(rows(4), seen([1, 2]), {"digest 1", "digest 4"})
    assert inspection == Inspection(Spotted(right=1), (None, True, False, None))
    assert (inspection.wanted(Tranches(4, 3)), inspection.checked(Tranches(4, 3))) == (2, 1)


def test_what_was_put_back_is_evidence_against_the_record_that_allowed_it() -> None:
    back = [replace(row, reverted=True, gates=("a", "b")) for row in rows(14)]
    checks = [*seen(range(1, 10), "b"), *seen(range(10, 15))]
    for gate in ("a", "b"):
        inspection = Inspection.of(back, checks, gate=gate)
        assert inspection == Inspection(Spotted(right=5, wrong=9), ())
    for other in ("c", None):
        assert Inspection.of(back, checks, gate=other) == Inspection(Spotted(), ())


def test_a_row_that_was_put_back_and_written_again_counts_once_and_is_to_be_looked_at() -> None:
    back = WrittenRow("1", "a", reverted=True, gates=("g",))
    again = WrittenRow("1", "b", gates=("g",))
    for order in ([back, again], [again, back]):
        inspection = Inspection.of(order, [SpotCheck(1, order[-1].label)], gate="g")
        assert inspection == Inspection(Spotted(right=1), (True,))


def test_what_was_put_back_and_was_in_the_gates_sample_is_no_evidence() -> None:
    back = [replace(row, reverted=True, gates=("g",)) for row in rows(2)]
    inspection = Inspection.of(back, seen([1, 2]), {"digest 1"}, "g")
    assert inspection == Inspection(Spotted(right=1), ())


def test_checks_of_one_tranche_do_not_stand_for_another() -> None:
    tranches, standard = Tranches(10, 4), Standard()
    first = Inspection.of(rows(20), seen(range(1, 11)))
    assert go_on(tranches, first, standard) == Pending(4)
    both = Inspection.of(rows(20), seen([1, 2, 3, 4, 17, 18, 19, 20]))
    assert go_on(tranches, both, standard) == 10


def test_a_commit_that_came_to_its_end_is_evidence_and_waited_for_no_more() -> None:
    before = [replace(row, finished=True) for row in rows(10)]
    inspection = Inspection.of([*before, WrittenRow("11", "a")], seen([1], "b"))
    assert inspection.spotted == Spotted(wrong=1)
    assert go_on(Tranches(10, 4), inspection, Standard()) == 9


def test_too_many_wrong_writes_halt_in_a_line_that_names_the_way_back() -> None:
    halt = Spotted(right=5, wrong=9).drift(Standard(0.9, 0.1))
    assert halt == Halt(
        "the canary: 9 of 14 spot-checked writes are wrong, where at most 10% may be: roll back "
        "with `kclassify rollback`, and evaluate again with `kclassify eval`"
    )


def test_as_many_wrong_writes_as_the_gate_allows_do_not_halt() -> None:
    assert Spotted(right=90, wrong=10).drift(Standard(0.9, 0.1)) is None
    assert Spotted().drift(Standard(0.9, 0.1)) is None


def test_a_tranche_pauses_after_its_rows_and_goes_on_when_they_are_checked() -> None:
    tranches, standard = Tranches(100, 10), Standard()
    assert go_on(tranches, inspected(), standard) == 100
    assert go_on(tranches, inspected(written=40), standard) == 60
    assert go_on(tranches, inspected(9, written=100), standard) == Pending(1)
    assert go_on(tranches, inspected(10, written=100), standard) == 100
    assert go_on(tranches, inspected(20, written=250), standard) == Pending(10)
    both = Inspection.of(rows(250), seen([*range(1, 11), *range(101, 111)]))
    assert go_on(tranches, both, standard) == 50


def test_no_more_checks_are_wanted_than_a_tranche_has_rows() -> None:
    assert inspected(written=10).wanted(Tranches(5, 20)) == 10


def test_without_tranches_all_is_written_unless_the_canary_halts() -> None:
    assert go_on(None, inspected(written=9), Standard()) is None
    assert isinstance(go_on(None, inspected(5, 9), Standard()), Halt)
    assert go_on(None, inspected(5, 9), None) is None


@given(
    size=st.integers(1, 50),
    checks=st.integers(0, 60),
    written=COUNTS,
    looked_at=st.sets(st.integers(1, 400)),
)
def test_a_step_never_writes_beyond_its_tranche_and_each_is_checked_by_itself(
    size: int, checks: int, written: int, looked_at: set[int]
) -> None:
    inspection = Inspection.of(rows(written), seen(looked_at))
    following = go_on(Tranches(size, checks), inspection, Standard())
    there = [
        len(looked_at & set(range(end - size + 1, end + 1)))
        for end in range(size, written + 1, size)
    ]
    missing = sum(max(0, min(checks, size) - count) for count in there)
    if isinstance(following, int):
        assert 1 <= following <= size
        assert (written + following) % size == missing == 0
    else:
        assert following == Pending(missing)
        assert missing > 0


@pytest.mark.parametrize(("rows", "checks"), [(0, 1), (1, -1)])
def test_a_tranche_of_nothing_is_an_error(rows: int, checks: int) -> None:
    with pytest.raises(ValueError, match="a tranche has at least 1 row"):
        Tranches(rows, checks)


def check(**rest: float | None) -> GateCheck:
    verdict = GateVerdict.PASS
    return GateCheck.model_validate(
        {"name": CheckName.WRITE_PRECISION, "verdict": verdict, "detail": "", **rest}
    )


def test_written_rows_are_held_against_what_the_gate_certified() -> None:
    assert Standard.of(record(checks=(check(target=0.95, alpha=0.05),))) == Standard(0.95, 0.05)


@pytest.mark.parametrize("given_", [{}, {"target": 0.9}, {"target": 1.0, "alpha": 0.1}])
def test_a_record_that_does_not_say_leaves_the_usual_standard(given_: dict[str, float]) -> None:
    assert Standard.of(record(checks=(check(**given_),))) == Standard()
    assert Standard.of(None) == Standard(0.90, 0.10)


@given(st.integers() | st.text() | st.uuids())
def test_a_key_is_among_those_that_its_text_spells(key: int | str | UUID) -> None:
    assert encode_key(key) in {encode_key(each) for each in keys_spelt(str(key))}


def test_a_text_that_only_resembles_an_integer_spells_none() -> None:
    assert keys_spelt("007") == ["007"]
    assert keys_spelt("1" * 5000) == ["1" * 5000]
