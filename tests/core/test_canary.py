from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.canary import (
    Pending,
    SpotCheck,
    Spotted,
    Standard,
    Tranches,
    Written,
    go_on,
)
from kclassify.core.decision import Halt
from kclassify.core.gate import CheckName, GateCheck, GateVerdict
from kclassify.core.item import encode_key, keys_spelt
from tests.core.test_gate import record

COUNTS = st.integers(0, 400)


def test_only_checks_of_written_rows_count_and_keys_count_by_their_text() -> None:
    written = Written(3, {"1": "a", "2": "a", "x": "b"})
    checks = [SpotCheck(1, "a"), SpotCheck("2", "b"), SpotCheck("x", "b"), SpotCheck(9, "a")]
    assert Spotted.of(checks, written) == Spotted(right=2, wrong=1)


def test_of_several_checks_of_one_row_the_last_counts() -> None:
    checks = [SpotCheck(1, "a"), SpotCheck("1", "b")]
    assert Spotted.of(checks, Written(1, {"1": "a"})) == Spotted(right=0, wrong=1)


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
    assert go_on(tranches, Written(0), Spotted(), standard) == 100
    assert go_on(tranches, Written(40), Spotted(), standard) == 60
    assert go_on(tranches, Written(100), Spotted(9, 0), standard) == Pending(1)
    assert go_on(tranches, Written(100), Spotted(10, 0), standard) == 100
    assert go_on(tranches, Written(250), Spotted(10, 0), standard) == Pending(10)
    assert go_on(tranches, Written(250), Spotted(20, 0), standard) == 50


def test_no_more_checks_are_wanted_than_a_tranche_has_rows() -> None:
    assert Tranches(5, 20).wanted(10) == 10


def test_without_tranches_all_is_written_unless_the_canary_halts() -> None:
    assert go_on(None, Written(9), Spotted(), Standard()) is None
    assert isinstance(go_on(None, Written(90), Spotted(5, 9), Standard()), Halt)


@given(rows=st.integers(1, 50), checks=st.integers(0, 60), written=COUNTS, right=COUNTS)
def test_a_step_never_writes_beyond_its_tranche(
    rows: int, checks: int, written: int, right: int
) -> None:
    following = go_on(Tranches(rows, checks), Written(written), Spotted(right), Standard())
    if isinstance(following, int):
        assert 1 <= following <= rows
        assert (written + following) % rows == 0
        assert right >= min(checks, rows) * (written // rows)
    else:
        assert isinstance(following, Pending)
        assert following.missing == min(checks, rows) * (written // rows) - right > 0


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
