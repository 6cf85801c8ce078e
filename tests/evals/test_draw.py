from __future__ import annotations

import random
from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.gate import verdict_digest
from kclassify.core.item import Item
from kclassify.core.policy import Action
from kclassify.core.verdict import Verdict
from kclassify.core.verdict import judged as judged_outcome
from kclassify.errors import UsageError
from kclassify.evals.allocation import spread
from kclassify.evals.draw import Order, draw
from kclassify.evals.labelled import Frame
from kclassify.evals.population import CHANGED, RELABELLED, SourcePopulation
from kclassify.ports import Mode
from tests.evals.rows import ListSource, corpus, ids, judged, topped_up, writes

SIZES = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 40), min_size=1)


@given(SIZES, st.integers(1, 60), st.integers(0, 3), st.randoms())
def test_the_same_seed_draws_the_same_rows_whatever_the_order_of_the_items(
    sizes: dict[str, int], size: int, seed: int, shuffler: random.Random
) -> None:
    here = corpus(sizes)
    before = writes(here, size, seed)
    shuffler.shuffle(here.source.items)
    assert writes(here, size, seed) == before
    assert len(set(ids(before))) == len(before.rows) == min(size, sum(sizes.values()))


def test_another_seed_draws_other_rows() -> None:
    here = corpus({"a": 200})
    assert set(ids(writes(here, seed=1))) != set(ids(writes(here, seed=2)))


@given(SIZES, st.integers(1, 40), st.integers(0, 40))
def test_a_larger_sample_holds_the_smaller_one_and_is_what_it_grows_to(
    sizes: dict[str, int], size: int, more: int
) -> None:
    here = corpus(sizes)
    small, large = writes(here, size), writes(here, size + more)
    assert ids(large)[: len(small.rows)] == ids(small)
    order = Order(frame=Frame.WRITES, size=size + more)
    grown = draw(here.population(Frame.WRITES), order, small.rows)
    assert grown.rows == large.rows
    assert grown.added == len(large.rows) - len(small.rows)


@given(SIZES, st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_weights_sum_to_the_population(
    sizes: dict[str, int], size: int, to: int, top_up: bool
) -> None:
    here = corpus(sizes, kept=7)
    drawn = writes(here, size)
    if top_up:
        drawn = topped_up(here, drawn.rows, to)
        assert {name: n for name, (_, n) in drawn.groups.items() if n < min(to, sizes[name])} == {}
    assert drawn.population == sum(sizes.values())
    assert sum(row.weight or 0 for row in drawn.rows) == pytest.approx(drawn.population)
    assert len(set(ids(drawn))) == len(drawn.rows)


@given(SIZES, st.integers(0, 50))
def test_a_stratified_uniform_sample_stands_for_all_items(sizes: dict[str, int], more: int) -> None:
    items = [
        Item(f"{name}{n}", f"text {n}", None, name) for name in sizes for n in range(sizes[name])
    ]
    order = Order(frame=Frame.UNIFORM, size=len(sizes) + more, stratified=True)
    drawn = draw(SourcePopulation(ListSource(items)), order)
    assert sum(row.weight or 0 for row in drawn.rows) == pytest.approx(len(items))
    assert {row.stratum for row in drawn.rows} == set(sizes)
    assert len(drawn.rows) == min(len(sizes) + more, len(items))


def test_a_row_stays_in_its_stratum_when_its_label_changes_afterwards() -> None:
    items = [Item(n, f"text of {n}", None, "ab"[n % 2]) for n in range(40)]
    source = ListSource(items)
    order = Order(frame=Frame.UNIFORM, size=10, stratified=True)
    rows = draw(SourcePopulation(source), order).rows
    drawn = {int(row.id) for row in rows}
    swapped = [min(drawn), next(n for n in range(40) if n not in drawn and (n - min(drawn)) % 2)]
    for n in swapped:
        items[n] = replace(items[n], current="ab"[(n + 1) % 2])
    grown = draw(SourcePopulation(source), replace(order, size=20), rows)
    assert {row.id: row.stratum for row in grown.rows}.items() >= {
        row.id: row.stratum for row in rows
    }.items()
    assert [row.stratum for row in grown.rows].count("a") == 10
    assert sum(row.weight or 0 for row in grown.rows) == pytest.approx(40)


@given(SIZES, st.integers(0, 80))
def test_strata_get_the_same_number_as_far_as_they_have_them(
    sizes: dict[str, int], more: int
) -> None:
    drawn = spread(sizes, len(sizes) + more)
    assert sum(drawn.values()) == min(len(sizes) + more, sum(sizes.values()))
    partly = [drawn[name] for name in sizes if drawn[name] < sizes[name]]
    wholly = [drawn[name] for name in sizes if drawn[name] == sizes[name]]
    if partly:
        assert max(partly) - min(partly) <= 1
        assert max(wholly, default=0) <= max(partly) + 1


def test_a_stratified_sample_too_small_for_its_labels_is_refused() -> None:
    with pytest.raises(UsageError, match="each of the 3 labels: ask for --size 3"):
        spread({"a": 5, "b": 5, "c": 5}, 2)


def test_a_row_holds_what_it_was_drawn_by() -> None:
    here = corpus({"playbook": 40})
    row = writes(here, 10).rows[0]
    assert (row.current, row.frame, row.gold, row.stratum) == ("old", Frame.WRITES, None, None)
    assert (row.stratum_N, row.stratum_n, row.weight) == (40, 10, 4.0)
    assert row.item_digest == row.item.digest
    assert row.verdict_digest == verdict_digest(judged_outcome(Verdict("playbook", 0.9, "any")))
    assert row.fingerprint == here.said.fingerprint


def test_a_top_up_adds_to_the_rare_and_reweighs_all() -> None:
    here = corpus({"common": 900, "rare": 100, "scarce": 3})
    first = writes(here, 50)
    labelled = [replace(row, gold="common") for row in first.rows]
    drawn = topped_up(here, labelled, 20)
    assert [row.gold for row in drawn.rows[:50]] == ["common"] * 50
    assert {row.frame for row in drawn.rows[50:]} == {Frame.TOP_UP}
    assert drawn.groups["rare"][1] == 20
    assert drawn.groups["scarce"] == (3, 3)
    weights = {row.stratum: row.weight for row in drawn.rows}
    assert weights == {
        "common": 900 / drawn.groups["common"][1],
        "rare": 5.0,
        "scarce": 1.0,
    }
    assert topped_up(here, drawn.rows, 20).added == 0


def test_a_weighted_estimate_of_a_topped_up_sample_is_unbiased_and_a_plain_one_is_not() -> None:
    here = corpus({"common": 380, "rare": 20})
    right = {str(row.key): row.label == "common" or int(str(row.key)) % 4 == 0 for row in here.said}
    truth = mean(right.values())
    weighted: list[float] = []
    plain: list[float] = []
    for seed in range(100):
        rows = topped_up(here, writes(here, 40, seed).rows, 15, seed).rows
        total = sum(row.weight or 0 for row in rows)
        weighted.append(sum(right[row.id] * (row.weight or 0) for row in rows) / total)
        plain.append(mean(right[row.id] for row in rows))
    assert mean(weighted) == pytest.approx(truth, abs=0.002)
    assert mean(plain) < truth - 0.1


def test_every_item_is_as_likely_as_any_other() -> None:
    here = corpus({"a": 20})
    met = [0] * 21
    for seed in range(800):
        for row in writes(here, 5, seed).rows:
            met[int(row.id)] += 1
    # 200 expected of each, with a standard deviation of 12.2.
    assert all(abs(count - 200) < 5 * 12.2 for count in met[1:])


def test_only_what_would_be_written_is_a_proposal() -> None:
    items = [Item(n, f"text of {n}", None, "old") for n in range(1, 5)]
    rows = [
        judged(items[0], "new"),
        judged(items[1], "old"),
        judged(items[2], "new", 0.6),
        judged(items[3], None),
    ]
    here = corpus({})
    here.source.items, here.said.rows = items, rows
    assert ids(writes(here)) == ["1"]
    assert sorted(ids(writes(here, min_confidence=0.5))) == ["1", "3"]
    uniform = draw(here.population(Frame.UNIFORM), Order(frame=Frame.UNIFORM, size=9))
    assert sorted(ids(uniform)) == ["1", "2", "3", "4"]


def test_items_that_changed_since_the_dry_run_are_counted_and_left_out() -> None:
    here = corpus({"new": 6})
    here.source.items[0] = replace(here.source.items[0], body="edited")
    here.source.items[1] = replace(here.source.items[1], current="new")
    drawn = writes(here)
    assert sorted(ids(drawn)) == ["3", "4", "5", "6"]
    assert drawn.left_out == {CHANGED: 1, RELABELLED: 1}
    assert drawn.population == 6
    assert {row.weight for row in drawn.rows} == {1.5}


def test_the_writes_of_a_commit_are_drawn_for_a_spot_check() -> None:
    here = corpus({"new": 5}, kept=3)
    rows = [replace(r, action=Action.WRITTEN) for r in here.said.rows if r.action is Action.CHANGE]
    conflict = replace(rows[0], action=Action.CONFLICT)
    here.said.rows, here.said.mode = [conflict, *rows[1:], *here.said.rows[5:]], Mode.COMMIT
    here.source.items = [replace(item, current="new") for item in here.source.items]
    drawn = writes(here)
    assert (sorted(ids(drawn)), drawn.left_out) == (["2", "3", "4", "5"], {})
    assert {row.current for row in drawn.rows} == {"old"}
    assert sorted(ids(writes(here, min_confidence=0.1))) == ["2", "3", "4", "5"]


def test_writes_are_not_stratified() -> None:
    with pytest.raises(UsageError, match="--stratify is for the frame uniform"):
        Order(frame=Frame.WRITES, stratified=True)
