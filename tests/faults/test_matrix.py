"""The document tells of the experiments that there are, of all of them and in their order."""

from __future__ import annotations

from tests.faults.matrix import documented
from tests.faults.test_item_faults import REPLIES
from tests.faults.test_provider_halts import HALTS
from tests.faults.test_provider_in_one_process import POISON
from tests.faults.test_provider_outages import OUTAGES


def test_the_document_has_a_row_for_each_fault_of_the_provider_and_no_other() -> None:
    outages = [outage.name for outage in OUTAGES]
    halts = [broken.name for broken in HALTS]
    replies = [useless.name for useless in REPLIES]
    assert list(documented("provider")) == [*outages, *halts, *replies, POISON]
