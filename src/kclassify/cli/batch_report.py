"""What `batches` prints."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from kclassify.cli.batch_course import many
from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.pass_report import moment
from kclassify.cli.wording import duration, shown
from kclassify.core.dollars import dollars
from kclassify.core.price import NANODOLLARS
from kclassify.store.batch_reports import BatchReport

_HEADINGS = ("batch", "pass", "shard", "status", "requests", "read", "held", "age")


def report_batches(
    run: str,
    found: Sequence[BatchReport],
    ended: Mapping[str, str | None],
    *,
    as_json: bool,
) -> None:
    """The batches that are not over; `ended` are those that were cancelled, and the problems."""
    if as_json:
        say_json([_facts(each, ended) for each in found])
        return
    if not found:
        say(f"Run {shown(run)!r} has no batches at the provider.")
        return
    say_table(_HEADINGS, [_row(each) for each in found])
    for line in _ended(ended):
        say(line)


def _ended(ended: Mapping[str, str | None]) -> list[str]:
    lines = [f"{shown(name)}: {shown(problem)}" for name, problem in ended.items() if problem]
    done = sum(problem is None for problem in ended.values())
    if done:
        is_canceled = "is canceled" if done == 1 else "are canceled"
        lines.append(
            f"{many(done)} {is_canceled}: the next step reads what was answered by then, and asks "
            "again about the rest"
        )
    return lines


def _row(each: BatchReport) -> tuple[object, ...]:
    return (
        each.remote_id or "(on its way)",
        each.pass_number,
        each.shard or None,
        each.status.value,
        each.requests,
        each.stored,
        dollars(each.held) if each.held else "-",
        duration(max(0.0, time.time() - each.intended_at)),
    )


def _facts(each: BatchReport, ended: Mapping[str, str | None]) -> dict[str, object]:
    name = each.remote_id
    asked = name is not None and name in ended
    return {
        "id": name,
        "pass": each.pass_number,
        "shard": each.shard or None,
        "status": each.status.value,
        "requests": each.requests,
        "read": each.stored,
        "held_usd": each.held / NANODOLLARS,
        "created_at": moment(each.intended_at),
        "polled_at": moment(each.polled_at),
        "expires_at": moment(each.expires_at),
        "canceled": asked and ended.get(name or "") is None,
        "problem": ended.get(name or "") if asked else None,
    }
