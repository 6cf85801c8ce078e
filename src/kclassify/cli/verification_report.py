"""What `audit --verify` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.wording import plural, shown
from kclassify.core.finding import Finding, Invariant, Verification


def report_verification(run: str, found: Verification, *, as_json: bool) -> None:
    """Each invariant with its state, the evidence of what broke, and what was not looked at."""
    if as_json:
        say_json(_facts(run, found))
        return
    rows = [(each.value, each.title, _shown_state(each, found)) for each in Invariant]
    say_table(("", "invariant", "state"), rows)
    _say_cases("Broken", found.findings)
    _say_cases("Remarks: a fault, or the work of another program", found.remarks)
    if found.unchecked:
        say()
        say("Not looked at:")
        for line in found.unchecked:
            say(f"  {shown(line)}")
    say()
    say(f"Run {shown(run)!r}: {_figures(found)}.")


def _state(invariant: Invariant, found: Verification) -> str:
    if any(each.invariant is invariant for each in found.findings):
        return "broken"
    return "held" if invariant in found.checked else "not checked"


def _shown_state(invariant: Invariant, found: Verification) -> str:
    state = _state(invariant, found)
    if state == "held" and invariant is Invariant.NOTHING_PAID_TWICE and found.calls is None:
        return "held, as far as the ledger shows"
    return state


def _say_cases(heading: str, cases: Sequence[Finding]) -> None:
    if not cases:
        return
    say()
    say(f"{heading}:")
    for each in cases:
        say(f"  {each.invariant.value}  {shown(each.message)} ({plural(each.count, 'case')})")
        for line in each.evidence:
            say(f"       {shown(line)}")
        if each.evidence and each.count > len(each.evidence):
            say(f"       and {each.count - len(each.evidence):,} more")


def _figures(found: Verification) -> str:
    broken = len({each.invariant for each in found.findings})
    verdict = f"{plural(broken, 'invariant')} broken" if broken else "nothing is broken"
    twice = f", {found.written_twice:,} of them twice" if found.written_twice else ""
    items = f"{plural(found.items, 'item')}, {found.lost:,} lost"
    if found.behind_the_end:
        items += f", {found.behind_the_end:,} behind the end of the last pass"
    rows = f"{plural(found.written, 'write')} arrived"
    return f"{verdict}; {items}; {rows}{twice}"


def _facts(run: str, found: Verification) -> dict[str, object]:
    return {
        "run": run,
        "clean": found.is_clean,
        "invariants": [
            {"number": each.value, "title": each.title, "state": _state(each, found)}
            for each in Invariant
        ],
        "findings": [asdict(each) for each in found.findings],
        "remarks": [asdict(each) for each in found.remarks],
        "unchecked": list(found.unchecked),
        "items": found.items,
        "lost": found.lost,
        "behind_the_end": found.behind_the_end,
        "written": found.written,
        "written_twice": found.written_twice,
    }
