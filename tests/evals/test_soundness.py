"""Samples that look well and stand for nothing: each of these was once certified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kclassify.core.evaluation import Looks
from kclassify.core.gate import CheckName, GateRecord, GateVerdict
from kclassify.evals.assemble import assemble
from kclassify.evals.criteria import GateTable, PolicyTable
from kclassify.evals.decide import checks_of
from kclassify.evals.finding import find
from kclassify.evals.labelled import Answered, Frame, Split
from kclassify.evals.material import Material, Population
from kclassify.evals.sealing import seal
from tests.evals.made_up import Cells, answered, material

PASS, FAIL, OPEN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.INCONCLUSIVE
UNIFORM = Frame.UNIFORM


def sealed(given: Material) -> GateRecord:
    found = find(given)
    return seal(given, found, checks_of(found, given.gate))


def coverage(record: GateRecord) -> list[str]:
    return [each.detail for each in record.checks if each.name is CheckName.COVERAGE]


def good(count: int, wrong: int = 0, **rest: object) -> list[Answered]:
    right = [answered(n, "playbook", "playbook", **rest) for n in range(count)]  # type: ignore[arg-type]
    bad = [answered(count + n, "essay", "playbook", **rest) for n in range(wrong)]  # type: ignore[arg-type]
    return [*right, *bad]


def with_rows(given: Material, answers: Sequence[Answered], **rest: object) -> Material:
    """The same material over a file that holds these rows too."""
    rows = tuple(each.row for each in answers)
    return replace(given, sample=replace(given.sample, rows=rows), **rest)  # type: ignore[arg-type]


def test_a_uniform_sample_without_the_present_labels_certifies_no_write() -> None:
    """98% right over labels that are 95% right: every answer would pass for a write."""
    record = sealed(material(good(392, 8, frame=UNIFORM, current=None)))
    assert record.verdict is OPEN
    assert "no row says which label it carries now" in record.sentence


def test_where_the_corpus_has_no_labels_yet_it_certifies() -> None:
    rows = good(392, 8, frame=UNIFORM, current=None)
    assert sealed(material(rows, cells={(None, "playbook", 0.9): 5000})).verdict is PASS


def test_rows_that_lost_their_present_label_are_found_by_the_dry_run() -> None:
    rows = [*good(200, 2, frame=UNIFORM), *good(30, frame=UNIFORM, current=None)]
    cells: Cells = {("convention", "playbook", 0.9): 5000}
    record = sealed(material(rows, cells=cells))
    assert record.verdict is OPEN
    assert "30 of 232 rows do not say which label they carry now" in record.sentence


def test_a_sample_of_some_of_the_proposals_says_nothing_of_the_others() -> None:
    rows = good(100, stratum_N=100, stratum_n=100)
    same: Cells = {("convention", "playbook", 0.9): 100}
    assert sealed(material(rows, cells=same)).verdict is PASS
    more: Cells = {**same, ("convention", "pattern", 0.9): 100}
    record = sealed(material(rows, cells=more, labels=("pattern",)))
    assert record.verdict is OPEN
    assert "drawn from 100 proposals, and the dry run holds 200" in record.sentence


def test_rows_without_a_label_count_as_wrong() -> None:
    labelled = good(100, 2)
    blank = [Answered(replace(each.row, id=f"x{n}", gold=None), each.outcome)
             for n, each in enumerate(good(60))]  # fmt: skip
    assert sealed(with_rows(material(labelled), labelled)).verdict is PASS
    one = sealed(with_rows(material(labelled), [*labelled, *blank[:1]]))
    assert one.verdict is PASS
    many = sealed(with_rows(material(labelled), [*labelled, *blank]))
    assert many.verdict is OPEN
    assert "60 of the rows that were drawn have no label" in many.sentence


def test_rows_that_are_gone_from_the_file_count_as_wrong_too() -> None:
    record = sealed(material(good(100, 2, stratum_N=500, stratum_n=150)))
    assert record.verdict is OPEN
    assert "48 of the rows that were drawn have no label" in record.sentence


def test_a_large_cluster_that_is_not_in_the_holdout_is_not_certified_by_it() -> None:
    held = good(100, 1, split=Split.HOLDOUT)
    other = [
        answered(1000 + n, "essay", "playbook", split=Split.DEV, cluster_id="one template")
        for n in range(40)
    ]
    record = sealed(with_rows(material(held, split="holdout"), [*held, *other]))
    assert record.verdict is OPEN
    assert "40 of 141 rows are one text or nearly" in record.sentence


def test_copies_of_one_text_are_no_hundred_rows() -> None:
    copies = good(100, cluster_id="one template")
    assert sealed(material(copies)).verdict is OPEN
    assert sealed(material(good(100))).verdict is PASS


def test_weights_count_in_the_veto_and_in_what_gets_worse() -> None:
    """60 of 65 rows are right, and those 60 stand for few."""
    light = [answered(n, "playbook", "playbook", frame=UNIFORM, stratum="a", weight=1.0)
             for n in range(60)]  # fmt: skip
    heavy = [answered(100 + n, "essay", "playbook", frame=UNIFORM, stratum="b", weight=90.0,
                      current="essay") for n in range(12)]  # fmt: skip
    evaluation = assemble(material([*light, *heavy], gate=GateTable(class_floor=0.85)))
    assert evaluation.vetoes[0].vetoed
    assert evaluation.impact is not None
    assert evaluation.impact.worse.estimate > evaluation.impact.better.estimate


def test_each_further_look_is_allowed_half_the_error() -> None:
    def looked(number: int, split: str = "all") -> float:
        looks = Looks(number=number, budget=None, sealed=False)
        return find(material(good(100), looks=looks, split=split)).threshold.delta

    assert [looked(n) for n in (1, 2, 3)] == pytest.approx([0.10, 0.05, 0.025])
    assert looked(5, "dev") == pytest.approx(0.10)


def test_a_record_is_sealed_to_the_dry_run_that_it_is_about() -> None:
    cells: Cells = {("convention", "playbook", 0.9): 300, ("playbook", "playbook", 0.9): 700}
    given = material(good(100), policy=PolicyTable(min_confidence=0.5))
    known = replace(given, population=Population(cells, "articles", 3))
    seal_ = sealed(known).dry_run
    assert seal_ is not None
    assert (seal_.run, seal_.number, seal_.rows, seal_.proposals) == ("articles", 3, 1000, 300)
    assert sealed(given).dry_run is None


def test_a_comparison_weighs_the_rows_as_they_weigh() -> None:
    """The candidate is right on more rows, and on fewer of those that they stand for."""

    def said(label: str, gold: str, n: int, weight: float) -> Answered:
        return answered(n, gold, label, frame=UNIFORM, stratum=str(weight), weight=weight)

    many = [(said("b", "a", n, 1.0), said("a", "a", n, 1.0)) for n in range(40)]
    few = [(said("a", "a", 100 + n, 50.0), said("b", "a", 100 + n, 50.0)) for n in range(15)]
    rest = [(said("a", "a", 200 + n, 50.0), said("a", "a", 200 + n, 50.0)) for n in range(15)]
    pairs = [*many, *few, *rest]
    given = material([new for _, new in pairs], baseline=[old for old, _ in pairs])
    (compared,) = assemble(given).comparisons
    assert compared.labels.only_candidate > compared.labels.only_baseline
    assert compared.labels.p_regression > 0.95
    assert "it is worse" in compared.sentence
    assert "weighted by the rows they stand for" in compared.sentence


def test_top_ups_take_no_part_in_a_comparison() -> None:
    new = [*good(30), *[answered(500 + n, "a", "a", frame=Frame.TOP_UP) for n in range(50)]]
    old = [*good(30), *[answered(500 + n, "a", "b", frame=Frame.TOP_UP) for n in range(50)]]
    (compared,) = assemble(material(new, baseline=old)).comparisons
    assert compared.labels.n == 30
    assert len(compared.flips) == 50
