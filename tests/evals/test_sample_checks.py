from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.item import digest_of
from kclassify.errors import SourceError, TaxonomyError
from kclassify.evals.near_duplicates import joined, near_pairs
from kclassify.evals.sample import Sample, load_sample
from tests.evals.rows import line, save_lines

if TYPE_CHECKING:
    from pathlib import Path

ACTIVE = ("playbook", "pattern", "insight")
OF_TWO: dict[str, Any] = {"stratum": "a", "stratum_N": 10, "stratum_n": 2, "weight": 5.0}
RUNBOOK = "restart the queue workers one after another and watch the lag fall below a minute"


@pytest.fixture
def check(tmp_path: Path) -> Any:
    """Loads a sample of these lines."""

    def load(*lines: dict[str, Any]) -> Sample:
        path = save_lines(tmp_path / "sample.jsonl", lines)
        return load_sample(path, {*ACTIVE, "convention"}, ACTIVE)

    return load


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "there is no row in it: draw a sample with `kclassify sample`"),
        ([line(1)], "only one row has a label"),
        ([line(1), line(2, gold=None)], "only one row has a label"),
        ([line(1, gold=None), line(2, gold=None)], "none of its 2 rows has a label: label them"),
        ([line(1), line(2), line(1)], r"line 3: id 'kb-1' is that of line 1 too"),
        ([line(1), line(2, item_digest="d" * 64)], "row 'kb-2': its text was edited since"),
        ([line(1, weight=2.0), line(2)], "row 'kb-2' is without a weight, where other rows have"),
        ([line(1, stratum="a"), line(2, stratum="b")], "its rows are of strata and have no weight"),
        ([line(1), line(2, frame="writes")], "of the frames uniform and writes and have no weight"),
        ([line(1, frame="top-up"), line(2, frame="top-up")], "of the frames top-up and have no"),
        ([line(1, **OF_TWO), line(2, **OF_TWO | {"weight": 4.0})], "its weight is 4, and .* is 5"),
        ([line(1, **OF_TWO), line(2, **OF_TWO | {"stratum_N": 9})], "stratum 'a' has 2 of 9 rows"),
        ([line(1, stratum_N=3), line(2, stratum_N=3)], "stratum_N and stratum_n go together"),
        (
            [line(n, stratum_N=1, stratum_n=2, weight=0.5) for n in (1, 2)],
            "2 rows were drawn from 1: more than there are",
        ),
        ([line(1, split="dev"), line(2)], "row 'kb-2' is without a split, where other rows have"),
        (
            [line(1, split="dev", cluster_id="c"), line(2, split="holdout", cluster_id="c")],
            "rows 'kb-1' and 'kb-2': cluster 'c' is in both splits",
        ),
        (
            [line(1, split="dev", body="Do  THIS"), line(2, split="holdout", body="do this")],
            "rows 'kb-1' and 'kb-2' are the same text, one in dev and one in holdout",
        ),
        (
            [line(1, split="dev", body=RUNBOOK), line(2, split="holdout", body=RUNBOOK + " or so")],
            r"are nearly the same text \(0.9\d alike\), one in dev and one in holdout",
        ),
    ],
)
def test_a_sample_that_would_mislead_is_refused(
    check: Any, lines: list[dict[str, Any]], complaint: str
) -> None:
    with pytest.raises(SourceError, match=complaint) as told:
        check(*lines)
    assert "sample.jsonl" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"gold": "convention"}, "its label 'convention' is retired"),
        ({"gold": "playbok"}, "its label 'playbok' is no category .* insight, pattern, playbook"),
        ({"votes": {"ann": "playbok"}}, "its label 'playbok' is no category"),
    ],
)
def test_a_label_that_cannot_be_given_is_refused(
    check: Any, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TaxonomyError, match=rf"sample.jsonl: row 'kb-2': {complaint}"):
        check(line(1), line(2, **values), line(3))


def test_weights_that_are_right_pass(check: Any) -> None:
    other = {"stratum": "b", "stratum_N": 3, "stratum_n": 3, "weight": 1, "frame": "top-up"}
    sample = check(
        line(1, **OF_TWO, frame="writes"),
        line(2, **OF_TWO, frame="writes"),
        *(line(n, **other) | {"gold": ACTIVE[n % 3]} for n in (3, 4, 5)),
    )
    assert sample.warnings == ()


def test_a_holdout_that_is_apart_passes(check: Any) -> None:
    lines = [line(n, split="dev" if n % 4 else "holdout", gold=ACTIVE[n % 3]) for n in range(40)]
    texts = [f"{RUNBOOK} on {place}" for place in ("monday", "the first of a month")]
    twins = [line(50 + n, body=text, cluster_id="c", split="dev") for n, text in enumerate(texts)]
    bodies = [{"body": digest_of(str(n))} for n in range(40)]
    sample = check(*(a | b for a, b in zip(lines, bodies, strict=True)), *twins)
    assert sample.warnings == ()


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ([line(1), line(2, gold="pattern")], "no row is labelled 'insight': nothing is said"),
        (
            [line(1, body="Same"), line(2, body="same "), line(3, gold="pattern")],
            "1 text is there more than once (rows 'kb-1' and 'kb-2', for one)",
        ),
        (
            [line(1, body="same"), line(2, body="same", gold="pattern")],
            "rows 'kb-1' and 'kb-2' are the same text with different labels, 'pattern' and 'play",
        ),
        (
            [line(1), line(2), line(3, gold=None, votes={"ann": "pattern", "bob": "insight"})],
            "row 'kb-3' is left out, since people disagree: let a third person decide",
        ),
        (
            [line(n, **OF_TWO | {"stratum_n": 5, "weight": 2.0}) for n in (1, 2)],
            "5 rows of stratum 'a' were drawn and 2 are there",
        ),
        (
            [
                *(line(n, **OF_TWO) for n in (1, 2)),
                *(line(n, **OF_TWO | {"stratum": "b", "gold": None}) for n in (3, 4)),
            ],
            "none of the 2 rows of stratum 'b' is labelled",
        ),
    ],
)
def test_what_can_be_lived_with_is_a_warning(
    check: Any, lines: list[dict[str, Any]], warning: str
) -> None:
    assert any(told.startswith(warning) for told in check(*lines).warnings)


def test_a_hint_of_leakage_is_a_warning(check: Any) -> None:
    longer = f"{RUNBOOK}; tell us"
    lines = [line(1, split="dev", body=RUNBOOK), line(2, split="holdout", body=longer)]
    (pair,) = near_pairs([str(each["body"]) for each in lines], 0.85)
    assert 0.9 <= pair.similarity < 0.95
    warnings = check(*lines, line(3, split="dev")).warnings
    assert any("rows 'kb-1' and 'kb-2'" in told and "alike" in told for told in warnings)


def test_near_texts_are_found_in_every_block() -> None:
    texts = [digest_of(str(n)) for n in range(1500)]
    texts[1400] = f"{texts[3]} !"
    texts[700] = texts[699]
    found = {(pair.first, pair.second) for pair in near_pairs(texts)}
    assert found == {(3, 1400), (699, 700)}
    assert near_pairs([]) == near_pairs(["alone"]) == []


def test_texts_without_words_are_like_none() -> None:
    assert near_pairs(["", "   ", "\0", "12"]) == []


def test_places_are_joined_by_however_long_a_chain() -> None:
    assert sorted(joined(6, [(4, 1), (1, 2), (2, 5)])) == [[0], [1, 2, 4, 5], [3]]
    assert joined(3, []) == [[0], [1], [2]]
    assert joined(0, []) == []
