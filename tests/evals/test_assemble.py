from __future__ import annotations

import pytest

from kclassify.core.evaluation import FlipKind
from kclassify.core.gate import verdicts_digest
from kclassify.errors import UsageError
from kclassify.evals.assemble import assemble
from kclassify.evals.comparing import EXCERPT_CHARS
from kclassify.evals.criteria import PolicyTable
from kclassify.evals.labelled import Answered, Frame
from tests.evals.made_up import Cells, answered, material

UNIFORM = Frame.UNIFORM


def uniform(
    golds: str, said: str, current: str | None = "convention", confidence: float = 0.9
) -> list[Answered]:
    """A row for each letter: its gold label, and what was said (`-`: a refusal)."""
    return [
        answered(n, gold, None if word == "-" else word, current=current, frame=UNIFORM,
                 confidence=confidence)
        for n, (gold, word) in enumerate(zip(golds, said, strict=True))
    ]  # fmt: skip


def test_the_candidate_is_compared_with_the_baseline_on_the_rows_that_both_answered() -> None:
    new = uniform("aaabbbb", "aabbb-b")
    old = uniform("aaabbbb", "aaaabbb")
    (compared,) = assemble(material(new, baseline=old)).comparisons
    assert (compared.baseline, compared.candidate) == ("old", "new")
    assert compared.labels.n == 6
    assert (compared.labels.only_candidate, compared.labels.only_baseline) == (1, 1)
    assert [(flip.id, flip.kind) for flip in compared.flips] == [
        ("2", FlipKind.BROKEN),
        ("3", FlipKind.FIXED),
    ]


def test_the_comparison_of_writes_is_about_what_the_rows_would_hold() -> None:
    """Both variants are wrong about a row that neither of them would write."""
    new = [answered(1, "a", "b", current="a", confidence=0.2, frame=UNIFORM)]
    old = [answered(1, "a", "b", current="a", confidence=0.8, frame=UNIFORM)]
    (compared,) = assemble(material(new, baseline=old)).comparisons
    assert compared.labels.both_wrong == 1
    assert compared.writes.only_candidate == 1


@pytest.mark.parametrize(
    ("old_confidence", "new_confidence", "who"),
    [(0.9, 0.9, "both"), (0.9, 0.1, "baseline"), (0.1, 0.9, "candidate"), (0.1, 0.1, "neither")],
)
def test_a_flip_says_whose_label_would_be_written(
    old_confidence: float, new_confidence: float, who: str
) -> None:
    new = uniform("a", "a", confidence=new_confidence)
    old = uniform("a", "b", confidence=old_confidence)
    (compared,) = assemble(material(new, baseline=old)).comparisons
    assert compared.flips[0].writes == who


def test_a_comparison_is_told_in_a_sentence() -> None:
    new = uniform("a" * 40, "a" * 40)
    old = uniform("a" * 40, "b" * 20 + "a" * 20)
    evaluation = assemble(material(new, baseline=old))
    assert evaluation.comparisons[0].sentence == (
        "'new' is right on 20 rows where 'old' is wrong, and wrong on 0 where 'old' is right: "
        "it is better, and chance does not explain it (p < 0.001)."
    )
    same = assemble(material(new, baseline=new))
    assert same.comparisons[0].sentence == "'new' and 'old' are right on the same rows."
    doubt = assemble(material(new, baseline=uniform("a" * 40, "b" + "a" * 39)))
    assert "may be chance" in doubt.comparisons[0].sentence


def test_the_text_of_a_flip_is_an_excerpt() -> None:
    long = answered(1, "a", "a", frame=UNIFORM, body="word " * 1000)
    other = answered(1, "a", "b", frame=UNIFORM, body="word " * 1000)
    (compared,) = assemble(material([long], baseline=[other])).comparisons
    assert len(compared.flips[0].text) <= EXCERPT_CHARS


def test_refusals_are_counted_apart_and_never_scored_as_wrong() -> None:
    evaluation = assemble(material(uniform("aaaa", "aa--")))
    scores = evaluation.variants[0].scores
    assert scores.answered == 2
    assert dict(scores.unanswered) == {"refused": 2}
    assert scores.accuracy.estimate == 1.0


def test_shares_of_the_corpus_need_rows_that_were_drawn_from_all_of_it() -> None:
    drawn = [answered(n, "a", "a") for n in range(20)]
    assert assemble(material(drawn)).shares == ()
    shares = assemble(material(uniform("a" * 10 + "b" * 10, "a" * 12 + "b" * 8))).shares
    assert {share.label for share in shares} >= {"a", "b"}


def test_what_would_move_is_that_of_the_dry_run_where_there_is_one() -> None:
    rows = [answered(n, "a", "a") for n in range(60)]
    cells: Cells = {("convention", "a", 0.9): 5000, ("b", "b", 0.99): 3000, ("b", "a", 0.4): 10}
    evaluation = assemble(material(rows, cells=cells, labels=("b",)))
    assert evaluation.population == 8010
    assert evaluation.population_is_dry_run
    assert [(one.before, one.after, one.count) for one in evaluation.transitions] == [
        ("convention", "a", 5000)
    ]
    assert evaluation.impact is not None
    assert evaluation.impact.writes == 5000


def test_the_policy_keeps_unconfident_writes_out_of_everything() -> None:
    sure = [answered(n, "a", "a") for n in range(60)]
    unsure = [answered(100 + n, "a", "b", confidence=0.3) for n in range(60)]
    evaluation = assemble(
        material([*sure, *unsure], policy=PolicyTable(min_confidence=0.5), labels=("b",))
    )
    assert [(veto.label, veto.n) for veto in evaluation.vetoes] == [("a", 60)]


def test_the_record_holds_the_verdict_of_each_row_that_was_scored() -> None:
    rows = uniform("aabb", "aab-")
    gate = assemble(material(rows)).gate
    assert set(gate.verdicts) == {each.row.item.digest for each in rows}
    assert gate.verdicts_digest == verdicts_digest(gate.verdicts)


def test_no_answer_at_all_is_no_evaluation() -> None:
    with pytest.raises(UsageError):
        assemble(material(uniform("aa", "--")))


def test_shares_are_not_told_from_rows_that_were_drawn_by_their_label() -> None:
    golds = "a" * 10 + "b" * 10
    weighted = [
        answered(n, gold, gold, frame=UNIFORM, stratum=gold, weight=1.0 if gold == "a" else 9.0)
        for n, gold in enumerate(golds)
    ]
    assert assemble(material(weighted)).shares == ()
