"""What `status` prints of what a run has cost, in all and step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from kclassify.cli.output import say, say_table
from kclassify.cli.pass_report import moment, told
from kclassify.cli.spending_facts import spending_facts
from kclassify.cli.wording import cost_of, plural, shown, without_price
from kclassify.core.dollars import dollars
from kclassify.core.spending import Spending
from kclassify.holder import described
from kclassify.store import StepReport

_HEADINGS = ("step", "shard", "began", "calls", "input", "output", "cached", "cost", "held", "end")


def spending_lines(spending: Spending, unpriced: Sequence[str]) -> list[str]:
    """What a run has cost; nothing where it made no call that costs anything.

    `unpriced` are the models that have no known price.
    """
    charge = spending.charge
    if not charge and not spending.held:
        return []
    why = without_price(unpriced)
    lines = [f"Cost: {cost_of(charge)} for {plural(charge.calls, 'call')}"]
    if charge.unpriced and charge.cost:
        lines.append(f"{plural(charge.unpriced, 'call')} of them without a known price{why}")
    elif charge.unpriced:
        lines[0] += why
    if charge.uncertain:
        lines.append(
            f"Up to {dollars(charge.uncertain)} more may be billed, for calls whose answer nobody "
            "saw"
        )
    if spending.held:
        lines.append(
            f"{dollars(spending.held)} are held for calls and batches in flight, or that were when "
            "a worker died"
        )
    return lines


def say_steps(steps: Sequence[StepReport]) -> None:
    """A row for each step."""
    say()
    say_table(_HEADINGS, [_row(each) for each in steps])


def _row(each: StepReport) -> tuple[object, ...]:
    usage = each.charge.usage
    open_by = f"open: {shown(described(each.holder))}"
    return (
        each.number,
        each.shard or None,
        moment(each.began_at),
        each.charge.calls,
        usage.input_tokens + usage.cache_write_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        cost_of(each.charge),
        dollars(each.held) if each.held else "",
        open_by if each.ended_at is None else told(each.decision),
    )


def step_facts(steps: Sequence[StepReport]) -> list[dict[str, object]]:
    """The same as data."""
    return [
        {
            "number": each.number,
            "shard": each.shard or None,
            "model": each.model,
            "fingerprint": each.fingerprint,
            "began_at": moment(each.began_at),
            "ended_at": moment(each.ended_at),
            "decision": each.decision,
            "usage": dataclasses.asdict(each.charge.usage),
            "cost": spending_facts(Spending(each.charge, each.held)),
        }
        for each in steps
    ]
