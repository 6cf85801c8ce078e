"""What `status`, `failures` and `audit` print."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

from kclassify.cli.inert_data import csv_cell, json_text
from kclassify.cli.last_decision import last_decision
from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.pass_report import key_fact, moment, pass_facts, say_pass
from kclassify.cli.shard_report import progress, say_shards, shard_facts
from kclassify.cli.spending_facts import spending_facts
from kclassify.cli.spending_report import say_steps, spending_lines, step_facts
from kclassify.cli.wording import cost_of, counts, label, plural, shown
from kclassify.core.availability import Breaker
from kclassify.core.verdict import OutcomeKind
from kclassify.holder import described, is_alive
from kclassify.store import (
    AuditedChange,
    Failure,
    PassReport,
    RunReport,
    RunSummary,
    StepReport,
)


def report_runs(runs: Sequence[RunSummary], *, as_json: bool) -> None:
    """The list of runs."""
    facts = [
        {
            "name": run.name,
            "mode": run.mode.value,
            "status": run.status.value,
            "passes": run.passes,
            "settled": run.settled,
            "updated_at": moment(run.updated_at),
            "source": run.source,
        }
        for run in runs
    ]
    if as_json:
        say_json(facts)
    elif not facts:
        say("The ledger has no runs yet.")
    else:
        say_table([name.replace("_", " ") for name in facts[0]], [list(f.values()) for f in facts])


def report_run(
    run: RunReport,
    *,
    as_json: bool,
    every_shard: bool = False,
    steps: Sequence[StepReport] | None = None,
) -> None:
    """One run: its passes, and the latest of them in detail, with its steps where they are given.

    Where they are not given they are left out.
    """
    if as_json:
        more = {} if steps is None else {"steps": step_facts(steps)}
        say_json({**_run_facts(run), **more})
        return
    say(f"Run {shown(run.name)!r} over {shown(run.source)}, since {moment(run.created_at)}")
    unpriced = list(
        dict.fromkeys(each.model for each in run.passes if each.spending.charge.unpriced)
    )
    for line in [*_lease(run), *_outage(run.breaker), *spending_lines(run.spending, unpriced)]:
        say(line)
    headings = ("pass", "mode", "status", "items", "writes", "cost", "model", "permission", "last")
    rows = [
        (
            each.number,
            each.mode.value,
            each.status.value,
            each.settled,
            counts(each.changes),
            cost_of(each.spending.charge) if each.steps else "",
            each.model,
            _permission(each),
            last_decision(each, is_worked_on=each is run.passes[-1] and _holder(run) is not None),
        )
        for each in run.passes
    ]
    say_table(headings, rows)
    if run.passes:
        say_shards(run.passes[-1], every=every_shard)
        if steps is not None:
            say_steps(steps)
        say()
        say_pass(run.passes[-1])


def _permission(each: PassReport) -> str:
    """Why a pass may write: by which records, and for which reasons without one."""
    gates = [f"gate {digest[:12]}" for digest in (each.gate or "").splitlines()]
    reasons = [f"override: {shown(reason)}" for reason in (each.override or "").splitlines()]
    return "; ".join([*gates, *reasons])


def _lease(run: RunReport) -> list[str]:
    """Who works on the run; a worker that was killed could not let it go."""
    if run.lease_holder is None:
        return []
    name, until = shown(described(run.lease_holder)), moment(run.lease_expires_at)
    if not is_alive(run.lease_holder):
        return [f"Left by {name}, which is no longer running: the same command goes on at once"]
    if run.lease_expires_at <= time.time():
        return [f"Left by {name}, silent since {until}: the same command goes on at once"]
    return [f"Held by {name} until {until}, unless that is prolonged"]


def _outage(breaker: Breaker) -> list[str]:
    """What the workers of the run know of an outage."""
    if not breaker.snoozes:
        return []
    since, until = moment(breaker.outage_since), moment(breaker.until)
    many = plural(breaker.snoozes, "snooze")
    if breaker.remaining(time.time()):
        return [f"No answer from the provider since {since}: {many} so far, the last until {until}"]
    return [f"No answer from the provider since {since}: {many}, the last over since {until}"]


def _outage_facts(breaker: Breaker) -> dict[str, object] | None:
    if not breaker.snoozes:
        return None
    return {
        "since": moment(breaker.outage_since),
        "snoozes": breaker.snoozes,
        "snooze_until": moment(breaker.until),
    }


def _holder(run: RunReport) -> str | None:
    holder = run.lease_holder
    if holder is None or run.lease_expires_at <= time.time() or not is_alive(holder):
        return None
    return holder


def _run_facts(run: RunReport) -> dict[str, object]:
    return {
        "name": run.name,
        "source": run.source,
        "created_at": moment(run.created_at),
        "holder": _holder(run),
        "outage": _outage_facts(run.breaker),
        "cost": spending_facts(run.spending),
        "passes": [_pass_facts(each) for each in run.passes],
    }


def _pass_facts(report: PassReport) -> dict[str, object]:
    settled, items = progress(report.shards)
    whole = {"settled": settled, "items": items} if report.shards else None
    return {**pass_facts(report), "progress": whole, "shards": shard_facts(report)}


def report_failures(failures: Sequence[Failure], *, as_json: bool) -> None:
    """The items that ended without an answer."""
    if as_json:
        say_json([_failure_facts(each) for each in failures])
    elif not failures:
        say("No failures.")
    else:
        rows = [(str(f.key), f.kind.value, label(f.current), f.detail) for f in failures]
        say_table(("key", "kind", "current", "detail"), rows)
        say(f"{plural(len(failures), 'failure')}; {_what_retry_does(failures)}.")


def _what_retry_does(failures: Sequence[Failure]) -> str:
    """No call was made for an empty body, so none can be made again."""
    asked = sum(each.kind is not OutcomeKind.EMPTY for each in failures)
    if not asked:
        return "no call is made for an empty body, so there is nothing that `retry` could ask"
    if asked == len(failures):
        return "`kclassify retry` asks again"
    return f"`kclassify retry` asks again about {asked:,} of them, not about empty bodies"


def _failure_facts(failure: Failure) -> dict[str, object]:
    return {
        "key": key_fact(failure.key),
        "kind": failure.kind.value,
        "detail": failure.detail,
        "current": failure.current,
        "body_chars_cut": failure.body_chars_cut,
        "pass": failure.pass_number,
        "mode": failure.mode.value,
    }


def report_audit(changes: Iterable[AuditedChange], form: str) -> None:
    """The writes of a run, as `table`, `jsonl`, `csv` or `json`."""
    rows = (_change_facts(change) for change in changes)
    if form == "json":
        say_json(list(rows))
    elif form == "jsonl":
        for row in rows:
            say(json_text(row))
    elif form == "csv":
        _write_csv(rows)
    else:
        _write_table(rows)


_AUDIT_COLUMNS = (
    "id", "pass", "key", "before", "after", "confidence", "status", "recorded_at", "reverted_at",
    "idempotency_key", "extra",
)  # fmt: skip
_TABLE_COLUMNS = _AUDIT_COLUMNS[1:9]


def _change_facts(change: AuditedChange) -> dict[str, object]:
    values = (
        change.id,
        change.pass_number,
        key_fact(change.key),
        change.before,
        change.after,
        change.confidence,
        change.status.value,
        moment(change.recorded_at),
        moment(change.reverted_at),
        change.idempotency_key,
        dict(change.extra),
    )
    return dict(zip(_AUDIT_COLUMNS, values, strict=True))


def _write_csv(rows: Iterable[Mapping[str, object]]) -> None:
    writer: csv.DictWriter[str] = csv.DictWriter(sys.stdout, _AUDIT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {**row, "extra": json_text(row["extra"])}
        writer.writerow({name: csv_cell(cell) for name, cell in cells.items()})


def _write_table(rows: Iterable[Mapping[str, object]]) -> None:
    cells = [[row[name] for name in _TABLE_COLUMNS] for row in rows]
    if cells:
        say_table([name.replace("_", " ") for name in _TABLE_COLUMNS], cells)
        say(f"{plural(len(cells), 'change')}.")
    else:
        say("No changes: the run has written nothing.")
