"""What a pass came to: its transitions, outcomes and writes, as text and as data."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from kclassify.cli.output import say, say_table
from kclassify.cli.spending_facts import spending_facts
from kclassify.cli.wording import ARROW, counts, label, plural, shown, verb
from kclassify.core.item import Key
from kclassify.core.policy import Action
from kclassify.core.states import ChangeStatus
from kclassify.ports import Mode
from kclassify.store import PassReport, Transition

_SHOWN = 25


def say_pass(report: PassReport) -> None:
    """The transitions of a pass as a table, then what became of all its items."""
    action, verb = (
        (Action.CHANGE, "would move") if report.mode is Mode.DRY_RUN else (Action.WRITTEN, "moved")
    )
    moves = merged(report.transitions, (action,))
    if moves:
        rows = [(label(before), ARROW, label(after), n) for (before, after), n in moves[:_SHOWN]]
        say_table(("before", "", "after", f"rows that {verb}"), rows)
        if len(moves) > _SHOWN:
            say(f"… and {plural(len(moves) - _SHOWN, 'further transition')}; --json has them all")
        say()
    if not report.settled:
        say("No item is settled yet.")
        return
    say(f"{plural(report.settled, 'item')}: {counts(report.outcomes)}")
    for line in _left_alone(report):
        say(line)


def merged(
    transitions: Sequence[Transition], actions: Sequence[Action]
) -> list[tuple[tuple[str | None, str], int]]:
    """The rows of each transition that ended in one of these actions, the most frequent first."""
    total: Counter[tuple[str | None, str]] = Counter()
    for each in transitions:
        if each.action in actions:
            total[each.before, each.after] += each.count
    return total.most_common()


def action_counts(report: PassReport) -> Counter[Action]:
    """How many of the items that got a label ended in each action."""
    total: Counter[Action] = Counter()
    for each in report.transitions:
        total[each.action] += each.count
    return total


def _left_alone(report: PassReport) -> list[str]:
    actions = action_counts(report)
    same, unsure = actions[Action.SAME], actions[Action.UNCONFIDENT]
    vetoed = actions[Action.VETOED]
    uncertified = actions[Action.UNCERTIFIED]
    failed = sum(n for kind, n in report.outcomes.items() if kind.is_failure)
    lines = (
        (same, f"{_items(same, 'keep')} {verb(same, 'its', 'their')} label"),
        (unsure, f"{_items(unsure, 'stay')}: not confident enough"),
        (vetoed, f"{_items(vetoed, 'stay')}: the gate vetoes the category proposed"),
        (uncertified, _new_or_changed(uncertified)),
        (failed, f"{_items(failed, 'stay')} without an answer: see `kclassify failures`"),
    )
    return [line for count, line in lines if count]


def _new_or_changed(count: int) -> str:
    return (
        f"{_items(count, 'stay')}: new or changed since the evaluation; a dry run and an "
        f"evaluation cover {verb(count, 'it', 'them')}"
    )


def _items(count: int, does: str) -> str:
    return f"{plural(count, 'item')} {verb(count, f'{does}s', does)}"


def written(report: PassReport) -> int:
    """How many rows this pass wrote, those that were put back since included."""
    changes = report.changes
    undone = changes.get(ChangeStatus.REVERTED, 0) + changes.get(ChangeStatus.REVERT_CONFLICT, 0)
    return changes.get(ChangeStatus.WRITTEN, 0) + undone


def pass_facts(report: PassReport) -> dict[str, object]:
    """A pass as data. Times are ISO 8601 in UTC."""
    return {
        "number": report.number,
        "mode": report.mode.value,
        "status": report.status.value,
        "model": report.model,
        "fingerprint": report.fingerprint,
        "source": report.source,
        "settled": report.settled,
        "cursor": None if report.cursor is None else key_fact(report.cursor),
        "transitions": [_transition_facts(each) for each in report.transitions],
        "outcomes": {kind.value: n for kind, n in report.outcomes.items()},
        "changes": {status.value: n for status, n in report.changes.items()},
        "usage": dataclasses.asdict(report.usage),
        "cost": spending_facts(report.spending),
        "steps": report.steps,
        "override": report.override,
        "gate": report.gate,
        "gate_refusal": report.gate_refusal,
        "started_at": moment(report.started_at),
        "updated_at": moment(report.updated_at),
        "finished_at": moment(report.finished_at),
        "last_decision": report.last_decision,
        "next_step_at": moment(report.next_step_at),
    }


def _transition_facts(each: Transition) -> dict[str, object]:
    return {
        "before": each.before,
        "after": each.after,
        "action": each.action.value,
        "rows": each.count,
    }


def moment(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC, to the second; None for a time that never was."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def key_fact(key: Key) -> int | str:
    """A key as JSON has it."""
    return key if isinstance(key, int) else str(key)


def told(text: str | None) -> str:
    """A text of the ledger, or nothing."""
    return "" if text is None else shown(text)
