"""What a provider does when it is gone: the run pauses, skips nothing and blames nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kclassify import Done, OutcomeKind, Snooze
from kclassify.testing import (
    BrokenBody,
    Fault,
    Hang,
    Overloaded,
    OverloadedAsApiError,
    Reset,
    ResetAtOnce,
    ServerError,
    Throttled,
    Trickle,
)
from tests.faults.bench import BEFORE, CONCURRENCY, ROWS, Bench
from tests.faults.matrix import Record, row_of
from tests.faults.resolver import NAME

FIRST_S, SECOND_S = 60, 72
HOUR_S = 3600
JITTER = 1.1
PATIENCE_S, SHORT_S = 10.0, 0.5
CUT_OFF = "0, and the answers that were cut off"
FEW = BEFORE + 2 * CONCURRENCY
"""Calls into an outage: until half of the recent ones failed, and those in flight at both ends."""

Act = Callable[[Bench], None]


@dataclass(frozen=True)
class Outage:
    """A fault of the provider, how it begins and ends, and what its calls count as.

    `before` calls are answered first, `asks_s` is the wait that the provider asks for, `timeout_s`
    that of one call, and `host` the name under which the provider is reached. With `answers_lost`
    a real provider has answered, and may bill, what did not arrive.
    """

    name: str
    begin: Act
    end: Act
    kind: OutcomeKind = OutcomeKind.UNAVAILABLE
    before: int = BEFORE
    asks_s: int = 0
    timeout_s: float = PATIENCE_S
    host: str = "127.0.0.1"
    answers_lost: bool = False

    def is_right(self, snooze: Snooze, seconds: int) -> bool:
        """Whether it is of so many seconds or as long as was asked for, with a little chance."""
        shortest = self.shortest(seconds)
        return shortest <= snooze.seconds <= shortest * JITTER + 1 and self.kind in snooze.reason

    def shortest(self, seconds: int) -> int:
        """The snooze without chance."""
        return max(seconds, self.asks_s)


def switched(name: str, fault: Fault, kind: OutcomeKind = OutcomeKind.UNAVAILABLE) -> Outage:
    return Outage(
        name,
        lambda bench: bench.stub.set_fault(fault),
        lambda bench: bench.stub.set_fault(None),
        kind,
    )


def forget_the_name(bench: Bench) -> None:
    """No connection that is open already may go on being used."""
    bench.resolver.knows_it = False
    bench.stub.pause_listening()
    bench.stub.resume_listening()


def learn_the_name(bench: Bench) -> None:
    bench.resolver.knows_it = True


NO_NAME = Outage("DNS failure in mid-run", forget_the_name, learn_the_name, host=NAME)
OUTAGES = [
    Outage(
        "connection refused",
        lambda bench: bench.stub.pause_listening(),
        lambda bench: bench.stub.resume_listening(),
    ),
    switched("connection reset before any byte", ResetAtOnce()),
    replace(switched("connection reset in mid-body", Reset()), answers_lost=True),
    replace(
        switched("no answer (a hang)", Hang(), OutcomeKind.TIMED_OUT),
        timeout_s=SHORT_S,
        answers_lost=True,
    ),
    replace(
        switched("a slow trickle", Trickle(), OutcomeKind.TIMED_OUT),
        timeout_s=SHORT_S,
        answers_lost=True,
    ),
    # Each throttled call doubles the pause before the next one: few answers, so few failures.
    replace(switched("429 without `retry-after`", Throttled(), OutcomeKind.THROTTLED), before=1),
    replace(
        switched("429 with `retry-after: 90`", Throttled(90), OutcomeKind.THROTTLED), asks_s=90
    ),
    replace(
        switched("429 with an hour's `retry-after`", Throttled(HOUR_S), OutcomeKind.THROTTLED),
        asks_s=HOUR_S,
    ),
    switched("500", ServerError()),
    switched("529 overloaded", Overloaded()),
    switched('"Overloaded" as an `api_error`', OverloadedAsApiError()),
    switched("an HTML page in place of JSON", BrokenBody()),
    NO_NAME,
    replace(NO_NAME, name="DNS failure from the start", before=0),
]


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.name)
async def test_an_outage_pauses_skips_nothing_and_blames_nobody(
    outage: Outage, bench: Bench, record: Record, anyio_backend_name: str
) -> None:
    if outage is NO_NAME and anyio_backend_name == "asyncio":
        pytest.skip("aiohttp remembers a name for ten seconds; from the start it does not know it")
    bench.host, bench.timeout_s = outage.host, outage.timeout_s
    if outage.before == BEFORE:
        bench.leave_a_gap()
    bench.at(outage.before, lambda: outage.begin(bench))
    snooze = await bench.step()
    assert isinstance(snooze, Snooze)
    assert outage.is_right(snooze, FIRST_S), snooze
    assert 0 < bench.calls[outage.kind] <= FEW
    await _nothing_is_sent_while_it_lasts(bench)
    bench.ahead_s += snooze.seconds
    snooze = await _one_call_is_sent_after_it(bench)
    assert outage.is_right(snooze, SECOND_S), snooze
    outage.end(bench)
    bench.timeout_s = PATIENCE_S
    bench.ahead_s += snooze.seconds
    assert await bench.step() == Done()
    assert bench.failures == []
    assert bench.categories == {"left": ROWS}
    first_s, second_s = outage.shortest(FIRST_S), outage.shortest(SECOND_S)
    decision = f"`Snooze` of {first_s} s, then of {second_s} s; then `Done`"
    cut_off = bench.calls[OutcomeKind.TIMED_OUT]
    row = row_of("provider", outage.name, decision, bench.verify(), in_flight=cut_off)
    record(replace(row, paid_twice=CUT_OFF) if outage.answers_lost else row)


async def _nothing_is_sent_while_it_lasts(bench: Bench) -> None:
    sent = len(bench.ended)
    assert isinstance(await bench.step(), Snooze)
    assert len(bench.ended) == sent


async def _one_call_is_sent_after_it(bench: Bench) -> Snooze:
    sent = len(bench.ended)
    decision = await bench.step()
    assert isinstance(decision, Snooze)
    assert [call.probe for call in bench.ended[sent:]] == [True]
    return decision
