from __future__ import annotations

import pytest

from kclassify.testing.simulation import Trouble
from tests.simulation.figures import BLOCKS, documented
from tests.simulation.outage_comparison import batch_rule, compare, kclassify, retrying_loop
from tests.simulation.rate_limit_figures import throughput

ITEMS = 2_000


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.HANG], ids=lambda each: each.name)
def test_an_outage_costs_few_calls_and_no_item(trouble: Trouble) -> None:
    ours = compare(kclassify, trouble, ITEMS)
    assert (ours.lost, ours.paid_twice) == (0, 0)
    assert ours.calls_into_outage < 65
    assert ours.noticed_after_s is not None
    assert ours.noticed_after_s < 100
    assert ours.resumed_after_s < 150


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.HANG], ids=lambda each: each.name)
def test_others_call_into_it_more_often_and_lose_items(trouble: Trouble) -> None:
    ours = compare(kclassify, trouble, ITEMS)
    for contestant in (retrying_loop, batch_rule):
        theirs = compare(contestant, trouble, ITEMS)
        assert theirs.calls_into_outage > 4 * ours.calls_into_outage
        assert theirs.lost > 0


def test_a_rate_limit_is_used_and_kept() -> None:
    came = throughput(0.5)
    assert came.used >= 0.95
    assert came.throttled < 0.02


def test_the_list_of_planted_bugs_is_up_to_date() -> None:
    assert documented("planted bugs") == BLOCKS["planted bugs"]()


@pytest.mark.nightly
def test_the_figures_of_the_rate_limit_are_up_to_date() -> None:
    assert documented("rate limit") == BLOCKS["rate limit"]()


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_the_figures_of_the_outage_are_up_to_date() -> None:
    assert documented("outage comparison") == BLOCKS["outage comparison"]()
