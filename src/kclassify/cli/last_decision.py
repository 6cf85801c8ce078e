"""What `status` says of the last decision of a pass: what it was and when, not how it is now."""

from __future__ import annotations

import time

from kclassify.cli.pass_report import told
from kclassify.cli.wording import cut, duration
from kclassify.core.states import RESUMABLE
from kclassify.store import PassReport

_MOST = 60


def last_decision(report: PassReport, *, is_worked_on: bool) -> str:
    """In a line of a table, long reasons cut: `at work; 5 min ago halted: budget: $0.00 of …`.

    Of a pass that is not over its age is told.
    """
    said = cut(told(report.last_decision), _MOST)
    if report.status not in RESUMABLE:
        return said
    ago = _ago(report)
    before = f"{ago}: {said}" if said and ago else said
    if is_worked_on:
        return f"at work; {before}" if before else "at work"
    if report.was_gone_on_with:
        return f"gone on with, and left; {before}" if before else "left"
    return before


def _ago(report: PassReport) -> str:
    if report.decided_at is None:
        return ""
    return f"{duration(max(0.0, time.time() - report.decided_at))} ago"
