"""The sentences: what they must not let anybody believe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.evaluation import Evaluation
from kclassify.core.gate import (
    CertifiedPolicy,
    CheckName,
    DryRunSeal,
    GateCheck,
    GateRecord,
    GateVerdict,
)
from kclassify.core.metrics import ConfusionMatrix, Interval
from kclassify.report.coded import coded
from kclassify.report.confusions import is_scaled
from kclassify.report.markdown import render_markdown
from kclassify.report.page import render_page
from kclassify.report.wording import answers_sentence, status_of, threshold_sentence
from tests.report import evaluations
from tests.report.reading import seen


def _open_for(name: CheckName, *, warns: bool = False) -> Evaluation:
    full = evaluations.inconclusive()
    check = GateCheck(name=name, verdict=GateVerdict.INCONCLUSIVE, detail="other rows", warns=warns)
    return replace(full, gate=full.gate.model_copy(update={"checks": (*full.gate.checks, check)}))


def _sealed(**changes: object) -> Evaluation:
    full = evaluations.passed()
    gate: GateRecord = full.gate.model_copy(update=changes)
    return replace(full, gate=gate)


@pytest.mark.parametrize(
    ("name", "warns", "said"),
    [
        (CheckName.SAMPLE, False, "Stale"),
        (CheckName.SAMPLE, True, "Inconclusive"),
        (CheckName.COVERAGE, False, "Inconclusive"),
    ],
)
def test_a_record_of_another_dry_run_is_stale_and_no_other(
    name: CheckName, warns: bool, said: str
) -> None:
    full = _open_for(name, warns=warns)
    assert status_of(full.gate) == said
    assert render_markdown(full).startswith(f"## {said}: tight")
    assert seen(render_page(full)).words.startswith(f"{said}: tight")


def test_a_bound_from_below_is_never_told_as_one_from_above() -> None:
    curve = evaluations.failed().threshold
    last = replace(curve.points[-1], writes=139, right=39, precision=39 / 139, lower=0.231)
    assert threshold_sentence(replace(curve, points=(last,))) == (
        "No threshold is certified: 39 of 139 labelled writes are right (28.1%): that shows only "
        "that at least 23.1% are, where 90% is asked for."
    )
    none = replace(last, writes=2, right=0, precision=0.0, lower=0.0)
    assert "that shows nothing, where" in threshold_sentence(replace(curve, points=(none,)))


def test_the_tile_the_table_and_the_text_tell_the_rows_of_the_headline() -> None:
    full = _sealed(sentence="About 282 rows become right and about 0 right ones become wrong.")
    effect = full.impact
    assert effect is not None
    better = Interval(282.4, 271.2, 291.7, 139, "posterior")
    none = Interval(0.0, 0.0, 0.0, 139, "posterior")
    told = replace(effect, writes=300, better=better, worse=none, net=better)
    words = seen(render_page(replace(full, impact=told))).words
    for said in ("About 282 rows", "+282", "about 282 become right", "271 to 292"):
        assert said in words
    assert "280" not in words


def test_categories_that_the_policy_leaves_out_are_named() -> None:
    words = seen(
        render_page(_sealed(policy=CertifiedPolicy(threshold=0.8, vetoed=("reference",))))
    ).words
    assert "Categories left out 1 left out: reference; none of 10 categories" in words
    assert "Categories vetoed none" not in words
    assert "Categories vetoed none" in seen(render_page(evaluations.passed())).words


def test_the_dry_run_that_the_record_is_sealed_to_is_told() -> None:
    seal = DryRunSeal(run="notes", number=3, rows=2140, proposals=412)
    words = seen(render_page(_sealed(dry_run=seal))).words
    assert "pass 3 of run 'notes', 2,140 rows, 412 proposed writes" in words
    assert (
        "dry run none: the record is not about one" in seen(render_page(evaluations.passed())).words
    )


def test_counts_that_are_no_rows_are_said_to_be_scaled() -> None:
    full = evaluations.passed()
    chosen = full.variants[1]
    matrix = chosen.scores.confusion
    half = ConfusionMatrix(
        matrix.labels, tuple(tuple(count * 1.1 for count in row) for row in matrix.counts)
    )
    scaled = replace(chosen, scores=replace(chosen.scores, confusion=half))
    words = seen(render_page(replace(full, variants=(full.variants[0], scaled)))).words
    assert "These are no counts of labelled rows" in words
    assert "rows, scaled" in words
    assert "no counts of labelled rows" not in seen(render_page(full)).words


@pytest.mark.parametrize(
    ("counts", "answered", "scaled"),
    [
        (((3.0, 1.0), (0.0, 2.0)), 6, False),
        (((3.0, 1.0), (0.0, 2.0)), 5, True),
        (((2.6, 1.4), (0.0, 2.0)), 6, True),
    ],
)
def test_fractions_and_another_sum_are_signs_of_scaling(
    counts: tuple[tuple[float, ...], ...], answered: int, scaled: bool
) -> None:
    assert is_scaled(ConfusionMatrix(("a", "b"), counts), answered) is scaled


def test_a_variant_in_a_sentence_stands_in_quotes() -> None:
    scores = evaluations.passed().variants[0].scores
    assert answers_sentence("default", scores).startswith("'default' answered 400 rows")


def test_a_command_in_the_headline_is_shown_as_code() -> None:
    page = render_page(_sealed(sentence="Run `kclassify dry-run` & <b>`<i>x`</b>"))
    expected = "<code>kclassify dry-run</code> &amp; &lt;b&gt;<code>&lt;i&gt;x</code>&lt;/b&gt;"
    assert f"<h1>Run {expected}</h1>" in page


@given(st.text(st.sampled_from("`<>&\"'a \n\u202e"), max_size=40))
def test_nothing_but_code_comes_out_of_a_text_with_backticks(text: str) -> None:
    found = seen(coded(text))
    assert set(found.tags) <= {"code"}
    shown = "".join(found.texts).replace("`", "")
    assert shown == text.replace("`", "").replace("\u202e", "\ufffd")
