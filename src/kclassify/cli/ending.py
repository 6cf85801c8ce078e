"""What `dry-run`, `commit` and `retry` say at their end."""

from __future__ import annotations

import dataclasses

from kclassify.cli.exit_status import FINISHED
from kclassify.cli.exiting import exit_status
from kclassify.cli.output import say, say_json
from kclassify.cli.pass_report import pass_facts, say_pass, written
from kclassify.cli.retrying import Nothing
from kclassify.cli.running import Result
from kclassify.cli.wording import duration, plural, shown, verb
from kclassify.core.decision import Advance, Decision, Done, Halt, Pause, Snooze, Superseded
from kclassify.core.states import ChangeStatus
from kclassify.holder import described
from kclassify.ports import Mode


def report_ending(result: Result, *, as_json: bool) -> int:
    """Print it; the exit status."""
    status = exit_status(result.decision)
    if as_json:
        say_json(_facts(result, status))
        return status
    report = result.report
    if report is not None and report.settled and not isinstance(result.decision, Superseded):
        say_pass(report)
        for line in _writes(result):
            say(line)
    for line in [*_conclusion(result), *result.course.bill.lines()]:
        say(line)
    return status


def report_nothing(run: str, nothing: Nothing, *, as_json: bool) -> None:
    """Say that there was nothing to retry."""
    if as_json:
        facts = {"run": run, "retried": 0, "reason": nothing.reason, "exit_status": FINISHED}
        say_json(facts)
    else:
        say(f"Nothing to retry: {nothing.reason}.")


def _facts(result: Result, status: int) -> dict[str, object]:
    course = result.course
    retried = {} if result.retried is None else {"retried": result.retried}
    return {
        "run": course.run or None,
        **retried,
        "decision": decision_facts(result.decision),
        "exit_status": status,
        "items": course.items,
        "calls": course.calls,
        "recalled": course.recalled,
        "snoozes": course.snoozes,
        "cost": course.bill.facts(),
        "batches": course.batches.facts(),
        "warnings": course.warnings,
        "tranche": None if course.tranche is None else dataclasses.asdict(course.tranche),
        "pass": None if result.report is None else pass_facts(result.report),
    }


def decision_facts(decision: Decision) -> dict[str, object]:
    """The decision as data: its name, and what it holds."""
    name = type(decision).__name__.lower()
    match decision:
        case Advance():
            cursor = decision.cursor
            return {
                "kind": name,
                "reason": decision.pause.value,
                "cursor": cursor if isinstance(cursor, int | None) else str(cursor),
            }
        case Snooze():
            return {"kind": name, "seconds": decision.seconds, "reason": decision.reason}
        case Halt():
            return {"kind": name, "reason": decision.reason}
        case Superseded():
            return {"kind": name, "holder": decision.holder}
        case Done():
            return {"kind": name}


def _writes(result: Result) -> list[str]:
    report = result.report
    if report is None or report.mode is Mode.DRY_RUN:
        return []
    conflicts = report.changes.get(ChangeStatus.CONFLICT, 0)
    lines = [f"{plural(written(report), 'row')} written"]
    if conflicts:
        lines.append(
            f"{plural(conflicts, 'row')} left as {'it was' if conflicts == 1 else 'they were'}: "
            "the label had been changed meanwhile (see `kclassify audit`)"
        )
    return lines


def _again(result: Result) -> str:
    """What goes on with the run; another retry would not."""
    if result.retried is None or result.report is None:
        return "run the same command again"
    return f"run `kclassify {result.report.mode.value}`, which goes on with it"


def _conclusion(result: Result) -> list[str]:
    again = _again(result)
    match result.decision:
        case Done():
            return _done(result)
        case Advance():
            return [f"{_paused(result, result.decision.pause)} {again}"]
        case Snooze() as snooze:
            wait = duration(snooze.seconds)
            return [f"Snoozed: {shown(snooze.reason)}; in {wait} {again}"]
        case Halt() as halt:
            return [f"Halted: {shown(halt.reason)}", *_mended(result, halt, again)]
        case Superseded() as superseded:
            return [f"Another worker holds this run: {shown(described(superseded.holder))}"]


def _mended(result: Result, halt: Halt, again: str) -> list[str]:
    """What comes next, unless the reason says so itself, as those of budget and canary do."""
    if halt.reason.startswith("budget: "):
        return [f"{_left(result)}."]
    return [] if "`kclassify " in halt.reason else [f"When that is mended, {again}."]


def _done(result: Result) -> list[str]:
    course = result.course
    if course.items == 0:
        return [f"The source holds no items: there is nothing to do in run {shown(course.run)!r}."]
    calls = course.batches.answers or plural(course.calls, "call")
    cost = f"{calls}, {course.recalled:,} recalled"
    if result.report is not None and result.report.mode is Mode.COMMIT:
        return [f"Done ({cost}). `kclassify rollback` puts everything back."]
    return [f"Done ({cost}). Nothing was written: `kclassify commit` writes it."]


def _paused(result: Result, pause: Pause) -> str:
    """Why it is not done, and what comes before the next command."""
    match pause:
        case Pause.MAX_ITEMS:
            return f"max_items is reached; {_left(result)}:"
        case Pause.TRANCHE:
            return f"{_tranche(result)}; {_left(result)}:"
        case _:
            return f"Unfinished ({pause}); {_left(result)}:"


def _tranche(result: Result) -> str:
    tranche = result.course.tranche
    if tranche is None or tranche.checked >= tranche.wanted:
        return "The tranche is written, and may be looked at"
    return (
        f"The tranche is written, and {plural(tranche.wanted, 'spot check')} of its rows "
        f"{verb(tranche.wanted, 'is', 'are')} wanted ({tranche.checked:,} so far): draw rows with "
        "`kclassify sample --from commit`, and give their labels in the [gate] canary file"
    )


def _left(result: Result) -> str:
    course = result.course
    if course.items is None:
        return f"{plural(course.settled, 'item')} settled so far"
    return f"{plural(max(0, course.items - course.settled), 'item')} left"
