"""What no other item would survive either: the run ends at once, says what to mend, and goes on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kclassify import Done, Halt
from kclassify.testing import Fault, Forbidden, SpendLimit, Unauthorized, UnknownModel
from tests.faults.bench import BEFORE, CONCURRENCY, ROWS, Bench
from tests.faults.matrix import Record, row_of

SPEND = "raise it at the provider, then run again"
MODEL = "name another model, or check the base URL"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A fault that only people can mend, what they are told, and the key or model they set."""

    name: str
    fault: Fault
    advice: str
    key: str = "sk-stub-first"
    model: str = "anthropic/claude-haiku-4-5"
    then: str = "`Done`"


HALTS = [
    Broken(
        name="401 in mid-run (a key rotated)",
        fault=Unauthorized(),
        advice="set ANTHROPIC_API_KEY to a valid key",
        key="sk-stub-second",
    ),
    Broken(
        name="403 in mid-run",
        fault=Forbidden(),
        advice="use a key that may",
        key="sk-stub-second",
    ),
    Broken(name="404 in mid-run, until the model is back", fault=UnknownModel(), advice=MODEL),
    Broken(
        name="404 in mid-run, until another model is named",
        fault=UnknownModel(),
        advice=MODEL,
        model="anthropic/claude-next",
        then="a new pass, `Done`",
    ),
    Broken(name="spend limit in mid-run", fault=SpendLimit(), advice=SPEND),
    Broken(
        name="spend limit of the contract in mid-run",
        fault=SpendLimit("contract_spend_limit_reached"),
        advice=SPEND,
    ),
]


@pytest.mark.parametrize("broken", HALTS, ids=lambda broken: broken.name)
async def test_a_fault_that_people_must_mend_halts_at_once_and_says_how(
    broken: Broken, bench: Bench, record: Record
) -> None:
    bench.leave_a_gap()
    bench.at(BEFORE, lambda: bench.stub.set_fault(broken.fault))
    halt = await bench.step()
    assert isinstance(halt, Halt)
    assert halt.reason.endswith(broken.advice)
    assert bench.api_key not in halt.reason
    assert 0 < bench.calls[None] <= CONCURRENCY
    assert bench.failures == []
    assert await bench.step() == halt
    assert bench.calls[None] <= 2 * CONCURRENCY
    bench.stub.set_fault(None)
    bench.api_key, bench.model = broken.key, broken.model
    assert await bench.step() == Done()
    assert bench.failures == []
    assert bench.categories == {"left": ROWS}
    decision = f'`Halt`: "{broken.advice}"; then {broken.then}'
    record(row_of("provider", broken.name, decision, bench.verify()))
