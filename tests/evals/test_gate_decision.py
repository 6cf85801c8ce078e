from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.evaluation import Looks
from kclassify.core.gate import CheckName, GateCheck, GateRecord, GateVerdict, combined
from kclassify.evals.criteria import GateTable, PolicyTable
from kclassify.evals.decide import checks_of
from kclassify.evals.finding import find
from kclassify.evals.labelled import Answered, Frame
from kclassify.evals.material import Material
from kclassify.evals.sealing import seal
from tests.evals.made_up import AT, Cells, answered, material

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE


def sealed(given: Material) -> GateRecord:
    found = find(given)
    return seal(given, found, checks_of(found, given.gate))


def writes(
    right: int, wrong: int, *, label: str = "playbook", gold: str = "essay", start: int = 0
) -> list[Answered]:
    """Moves into one category, right ones first; a wrong one is of another category."""
    good = [answered(start + n, label, label) for n in range(right)]
    bad = [answered(start + right + n, gold, label, current=gold) for n in range(wrong)]
    return [*good, *bad]


def check(record: GateRecord, name: CheckName) -> GateCheck:
    return next(each for each in record.checks if each.name is name)


def test_two_hundred_good_writes_pass_and_carry_the_policy() -> None:
    record = sealed(material(writes(195, 5)))
    assert record.verdict is PASS
    assert record.policy is not None
    assert record.policy.threshold == 0.9
    assert record.labels_needed is None
    assert record.sentence == (
        "This run may write: of the writes from confidence 0.90 on, at least 90% are right, shown "
        "with 90% confidence. About 195 rows of the sample become right and about 5 right ones "
        "become wrong."
    )


def test_nine_wrong_of_fifteen_veto_and_fifteen_right_of_fifteen_do_not_certify() -> None:
    vetoed = sealed(material(writes(6, 9)))
    assert vetoed.verdict is FAIL
    assert vetoed.policy is None
    assert "9 of the 15 labelled rows that would move to 'playbook' do not belong there" in (
        vetoed.sentence
    )
    assert "between 32% and 84%" in vetoed.sentence
    certified = sealed(material(writes(15, 0)))
    assert certified.verdict is OPEN
    assert certified.labels_needed == 14


def test_one_faulty_category_fails_a_run_that_is_good_elsewhere() -> None:
    good = writes(170, 2, label="pattern")
    assert sealed(material([*good, *writes(8, 20, start=500)])).verdict is FAIL


def test_a_category_that_the_policy_leaves_out_is_vetoed_in_the_commit_and_judged_by_nobody() -> (
    None
):
    rows = [*writes(170, 2, label="pattern"), *writes(8, 20, start=500)]
    record = sealed(material(rows, policy=PolicyTable(min_confidence=0.5, veto=("playbook",))))
    assert record.verdict is PASS
    assert record.policy is not None
    assert record.policy.vetoed == ("playbook",)


def test_hopeless_writes_fail_and_doubtful_ones_say_how_many_labels_are_missing() -> None:
    spread = [
        each for place in range(10) for each in writes(12, 8, label=f"c{place}", start=100 * place)
    ]
    hopeless = sealed(material(spread, gate=GateTable(class_floor=0.1)))
    assert check(hopeless, CheckName.WRITE_PRECISION).verdict is FAIL
    assert hopeless.verdict is FAIL
    doubtful = sealed(material(writes(93, 7), gate=GateTable(class_floor=0.1)))
    assert doubtful.verdict is OPEN
    assert doubtful.labels_needed is not None
    more = doubtful.labels_needed
    assert f"about {more:,} more labelled writes" in doubtful.sentence
    again = writes(round(93 * (1 + more / 100)) + 1, round(7 * (1 + more / 100)))
    assert sealed(material(again)).verdict is PASS


def test_without_a_write_among_the_labelled_rows_nothing_is_shown() -> None:
    record = sealed(material([answered(n, "essay", "essay", current="essay") for n in range(50)]))
    assert record.verdict is OPEN
    assert record.policy is None
    assert record.labels_needed == 29


def test_a_corpus_with_too_few_writes_is_told_so() -> None:
    cells: Cells = {("convention", "playbook", 0.9): 18}
    record = sealed(material(writes(15, 0), cells=cells))
    assert record.verdict is OPEN
    assert record.labels_needed is None
    assert "with 3 more writes to label there are too few" in record.sentence
    assert "--override" in record.sentence


def test_more_rows_made_worse_than_better_fail() -> None:
    rows = [answered(n, "essay", "playbook", current="essay") for n in range(30)]
    rows += [answered(100 + n, "essay", "essay") for n in range(10)]
    lenient = GateTable(write_precision=0.05, class_floor=0.001)
    record = sealed(material(rows, gate=lenient))
    assert check(record, CheckName.NET_BENEFIT).verdict is FAIL
    assert record.verdict is FAIL


def test_the_wrong_writes_of_the_whole_corpus_are_bounded() -> None:
    rows = writes(195, 5)
    cells: Cells = {("convention", "playbook", 0.9): 19_500, ("essay", "playbook", 0.9): 500}
    loose, tight = GateTable(max_wrong_writes=1500), GateTable(max_wrong_writes=100)
    assert sealed(material(rows, cells=cells, gate=loose)).verdict is PASS
    assert sealed(material(rows, cells=cells, gate=tight)).verdict is FAIL


def test_a_bound_on_wrong_writes_without_a_dry_run_is_a_fail() -> None:
    record = sealed(material(writes(195, 5), gate=GateTable(max_wrong_writes=1500)))
    assert check(record, CheckName.WRONG_WRITES).verdict is FAIL
    assert "kclassify dry-run" in record.sentence


def test_rows_that_were_drawn_for_another_classifier_certify_nothing() -> None:
    rows = writes(195, 5)
    moved = [*rows[:-1], answered(999, "essay", "playbook", verdict_digest="of another one")]
    record = sealed(material(moved))
    assert record.verdict is OPEN
    assert "1 labelled row was drawn from the dry run of another classifier" in record.sentence


def test_more_of_a_rare_category_do_not_count_as_more_of_all() -> None:
    """Pooling an oversampled frame without weights certifies what is not there."""
    drawn = writes(40, 8)
    extra = [answered(900 + n, "idea", "idea", frame=Frame.TOP_UP) for n in range(200)]
    record = sealed(material([*drawn, *extra], gate=GateTable(class_floor=0.5)))
    assert check(record, CheckName.WRITE_PRECISION).n == 48
    assert record.verdict is OPEN


def test_a_pulling_category_is_warned_of_without_a_label() -> None:
    cells: Cells = {
        ("essay", "playbook", 0.9): 100,
        ("principle", "playbook", 0.9): 80,
        ("playbook", "playbook", 0.9): 100,
        ("playbook", "essay", 0.9): 4,
        ("convention", "pattern", 0.9): 100,
        ("pattern", "pattern", 0.9): 100,
    }
    record = sealed(material(writes(195, 5), cells=cells, labels=("pattern", "principle")))
    alarms = [each for each in record.checks if each.name is CheckName.FLOW]
    assert [each.category for each in alarms] == ["playbook"]
    assert all(each.warns for each in alarms)
    assert record.verdict is PASS


def test_scarce_categories_are_named_with_what_is_missing() -> None:
    cells: Cells = {("convention", "playbook", 0.9): 1000, ("convention", "idea", 0.9): 30}
    record = sealed(material(writes(195, 5), cells=cells, labels=("idea",)))
    told = [each.detail for each in record.checks if each.name is CheckName.SAMPLE]
    assert len(told) == 1
    assert "idea 20 more" in told[0]


@pytest.mark.parametrize(
    ("split", "number", "sealed_", "words"),
    [
        ("dev", 1, False, "the sealed holdout decides"),
        ("all", 3, False, "look 3 at these rows"),
        ("holdout", 2, True, None),
        ("all", 1, False, None),
    ],
)
def test_the_looks_at_a_sample_are_told(
    split: str, number: int, sealed_: bool, words: str | None
) -> None:
    looks = Looks(number=number, budget=3, sealed=sealed_)
    record = sealed(material(writes(195, 5), split=split, looks=looks))
    told = [each.detail for each in record.checks if each.name is CheckName.HOLDOUT]
    assert record.sample.split == split
    assert record.look == number
    if words is None:
        assert told == []
    else:
        assert words in told[0]


def test_the_record_expires_and_names_every_verdict() -> None:
    given = material(writes(195, 5), gate=GateTable(expires_days=7))
    record = sealed(given)
    assert (record.expires_at - AT).days == 7
    assert len(record.verdicts) == 200
    assert GateRecord.model_validate_json(record.model_dump_json()) == record


def test_no_deciding_check_is_a_fail() -> None:
    assert combined(()) is FAIL
    warning = GateCheck(name=CheckName.FLOW, verdict=PASS, detail="", warns=True)
    assert combined((warning,)) is FAIL


@given(st.lists(st.tuples(st.sampled_from(list(GateVerdict)), st.booleans()), min_size=1))
def test_one_fail_fails_and_a_warning_never_decides(given: list[tuple[GateVerdict, bool]]) -> None:
    checks = tuple(
        GateCheck(name=CheckName.SAMPLE, verdict=verdict, detail="", warns=warns)
        for verdict, warns in given
    )
    deciding = {verdict for verdict, warns in given if not warns}
    expected = FAIL if FAIL in deciding or not deciding else OPEN if OPEN in deciding else PASS
    assert combined(checks) is expected


def test_confidences_below_the_least_that_was_drawn_are_never_certified() -> None:
    rows: list[Answered] = writes(195, 5)
    record = sealed(material(rows, policy=PolicyTable(min_confidence=0.1)))
    assert record.policy is not None
    assert record.policy.threshold == 0.9
