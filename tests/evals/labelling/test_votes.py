from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kclassify.evals.labelled import GoldStatus, LabelledItem
from kclassify.evals.labelling.votes import UNNAMED, is_contested, voted, votes_of, wants
from tests.evals.labelling.browser import LABELS


def test_a_label_that_was_there_before_counts_as_one_persons() -> None:
    row = LabelledItem(id="1", body="a", gold="pattern")
    assert votes_of(row) == {UNNAMED: "pattern"}
    other = voted(row, "ann", "playbook")
    assert (other.gold, is_contested(other)) == (None, True)
    same = voted(row, "ann", "pattern")
    assert (same.gold, same.gold_status, same.gold_by) == ("pattern", GoldStatus.AGREED, ("ann",))
    assert voted(same, "ann", None).gold == "pattern"
    named = LabelledItem(id="1", body="a", gold="pattern", gold_by=("bob",))
    assert not wants(named, "bob")
    assert dict(voted(named, "bob", "insight").votes) == {"bob": "insight"}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.sampled_from(LABELS)), max_size=12)
)
def test_gold_is_what_most_people_said_last(said: list[tuple[str, str | None]]) -> None:
    row = LabelledItem(id="1", body="a")
    last: dict[str, str] = {}
    for by, label in said:
        row = voted(row, by, label)
        last.pop(by, None)
        if label is not None:
            last[by] = label
    assert dict(row.votes) == last
    counts = {label: list(last.values()).count(label) for label in last.values()}
    best = [label for label, count in counts.items() if count == max(counts.values())]
    assert row.gold == (best[0] if len(best) == 1 else None)
    assert (row.gold_status is None) == (row.gold is None)
    assert all(not wants(row, by) for by in last)
    assert wants(row, "new one") == (len(last) < 2 or row.gold is None)
    if row.gold_status is GoldStatus.ADJUDICATED:
        assert len(counts) > 1
        assert len(last) > 2
