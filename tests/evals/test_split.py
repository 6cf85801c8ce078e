from __future__ import annotations

from dataclasses import replace

import pytest

from kclassify.errors import UsageError
from kclassify.evals.labelled import Split
from kclassify.evals.split import split
from tests.evals.rows import corpus, judged, writes


def test_a_holdout_is_apart_in_whole_clusters() -> None:
    here = corpus({"new": 300})
    text = "the queue grows until the workers are restarted by hand, every monday morning"
    for n in range(0, 300, 3):
        here.source.items[n] = replace(here.source.items[n], body=f"{text} at {n // 30} o'clock")
    here.said.rows = [judged(item, "new") for item in here.source.items]
    rows = split(writes(here, 300).rows, 0.3, seed=1)
    assert split(rows, 0.3, seed=2) == rows
    near = [row for row in rows if row.body.startswith(text)]
    assert len({row.split for row in near}) == 1
    assert len({row.cluster_id for row in near} - {None}) == 1
    others = [row for row in rows if row.cluster_id is None]
    assert len(others) == 200
    assert 35 < sum(row.split is Split.HOLDOUT for row in others) < 85


@pytest.mark.parametrize("share", [0, 1, 1.5, -1])
def test_a_holdout_of_all_or_nothing_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="--holdout is a share between 0 and 1"):
        split((), share, seed=0)


def test_no_holdout_is_made_of_rows_that_somebody_labelled_before() -> None:
    rows = writes(corpus({"new": 30}), 10).rows
    for seen in (replace(rows[3], gold="new"), replace(rows[3], votes={"ann": "a", "bo": "b"})):
        with pytest.raises(
            UsageError, match=f"row {seen.id!r} of .* was labelled.* another --output"
        ):
            split([*rows[:3], seen], 0.5, seed=0)
        in_dev = replace(seen, split=Split.DEV)
        assert replace(in_dev, holdout=0.5) in split([*rows[:3], in_dev], 0.5, seed=0)
