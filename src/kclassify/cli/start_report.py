"""What `start`, `kick` and `divide` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.adapters.job import Job
from kclassify.adapters.tenants import TenantStart
from kclassify.cli.begun import Begun, shard_count
from kclassify.cli.ending import decision_facts
from kclassify.cli.exit_status import FAILED, FINISHED
from kclassify.cli.exiting import exit_status
from kclassify.cli.output import say, say_json, warn
from kclassify.cli.starting import EveryStart
from kclassify.cli.wording import plural, shown, verb
from kclassify.core.decision import Decision, Done, Halt, Superseded
from kclassify.holder import described
from kclassify.store.reading import PassReport

_NAMED = 5


def report_start(run: str, system: str, found: Begun, *, as_json: bool) -> int:
    """What was enqueued, or why nothing was, and where to look; the exit status.

    What became of a pass that was there before is told on standard error.
    """
    begun = found.outcome
    decision = None if isinstance(begun, list) else begun
    for remark in found.remarks():
        warn(remark)
    status = FINISHED if decision is None else exit_status(decision)
    if as_json:
        say_json(
            {
                "run": run,
                "system": system,
                "jobs": [job_facts(each) for each in begun] if isinstance(begun, list) else [],
                "decision": None if decision is None else decision_facts(decision),
                "abandoned": _pass_facts(found.abandoned),
                "kept": _pass_facts(found.kept),
                "exit_status": status,
            }
        )
    elif decision is not None:
        say(f"Nothing is enqueued: {_reason(decision)}.")
    elif isinstance(begun, list) and begun:
        say(f"{enqueued(begun, system)}.")
        say(_where_to_look(begun[0].run))
    else:
        say(f"Nothing to enqueue: the jobs of run {shown(run)!r} are under way.")
        say(_where_to_look(run))
    return status


def _pass_facts(report: PassReport | None) -> dict[str, object] | None:
    if report is None:
        return None
    return {"pass": report.number, "settled": report.settled, "shards": shard_count(report)}


def report_starts(found: EveryStart, system: str, *, as_json: bool) -> int:
    """The same of the runs of all tenants."""
    is_wrong = any(each.refusal or isinstance(each.decision, Halt) for each in found.starts)
    status = FAILED if is_wrong else FINISHED
    if as_json:
        say_json(
            {
                "system": system,
                "runs": [_start_facts(each) for each in found.starts],
                "rows_without_tenant": found.rows_without,
                "exit_status": status,
            }
        )
        return status
    for line in _told(found, system):
        say(line)
    return status


def _told(found: EveryStart, system: str) -> list[str]:
    jobs = [job for each in found.starts for job in each.jobs]
    begun = [each for each in found.starts if each.jobs]
    going = [each for each in found.starts if _goes_on(each)]
    lines = [f"{plural(len(begun), 'run')} started: {enqueued(jobs, system)}."] if begun else []
    if going:
        lines.append(f"{plural(len(going), 'run')} {verb(len(going), 'is', 'are')} under way.")
    for each in found.starts:
        if each.refusal is not None:
            lines.append(f"{shown(each.run)} is not started: {shown(each.refusal)}")
        elif each.decision is not None:
            lines.append(f"{shown(each.run)} is not started: {_reason(each.decision)}")
    if not found.starts:
        lines.append("There is no tenant: the table has no row that names one.")
    if found.rows_without:
        rows = plural(found.rows_without, "row")
        lines.append(
            f"{rows} without a tenant (NULL) {verb(found.rows_without, 'is', 'are')} in no run of "
            "these: a run without a tenant has them all"
        )
    lines.append("See `kclassify status --all`, or `kclassify status --tenant NAME` for one.")
    return lines


def _goes_on(each: TenantStart) -> bool:
    return not each.jobs and each.decision is None and each.refusal is None


def _start_facts(each: TenantStart) -> dict[str, object]:
    return {
        "tenant": each.tenant,
        "run": each.run,
        "jobs": [job_facts(job) for job in each.jobs],
        "decision": None if each.decision is None else decision_facts(each.decision),
        "refusal": each.refusal,
    }


def report_kick(jobs: Sequence[Job], system: str, *, as_json: bool) -> None:
    """What was enqueued; nothing at all where nothing was."""
    if as_json:
        say_json({"system": system, "jobs": [job_facts(each) for each in jobs]})
    elif jobs:
        say(f"{enqueued(jobs, system)}.")


@dataclass(frozen=True, slots=True)
class Cut:
    """What `divide` did: the pass, its shards by now, and the decision where it is not cut yet."""

    number: int | None
    shards: int
    decision: Decision | None

    @property
    def is_requested(self) -> bool:
        """Whether a worker is at it, whose next step cuts it."""
        return isinstance(self.decision, Superseded)


def report_cut(run: str, cut: Cut, *, as_json: bool) -> int:
    """Into what the pass was cut, or who cuts it; the exit status."""
    decision = cut.decision
    status = FINISHED if decision is None or cut.is_requested else exit_status(decision)
    if as_json:
        say_json(
            {
                "run": run,
                "pass": cut.number,
                "shards": cut.shards,
                "requested": cut.is_requested,
                "decision": None if decision is None else decision_facts(decision),
                "exit_status": status,
            }
        )
    elif decision is None:
        say(f"Pass {cut.number} of run {shown(run)!r} has {plural(cut.shards, 'shard')} now.")
        say("Those that are new wait for a worker: `kclassify kick` enqueues them.")
    elif isinstance(decision, Superseded):
        say(f"{described(decision.holder).capitalize()} works on it: its next step cuts it.")
        say("The parts that are new then wait for a worker: `kclassify kick` enqueues them.")
    else:
        say(f"Nothing is cut: {_reason(decision)}.")
    return status


def enqueued(jobs: Sequence[Job], system: str) -> str:
    """`2 jobs are enqueued on celery: articles commit 1 shard 1, articles commit 1 shard 2`."""
    names = ", ".join(shown(each.name) for each in jobs[:_NAMED])
    more = ", …" if len(jobs) > _NAMED else ""
    many = f"{plural(len(jobs), 'job')} {verb(len(jobs), 'is', 'are')}"
    return f"{many} enqueued on {shown(system)}: {names}{more}"


def job_facts(job: Job) -> dict[str, object]:
    """What a job is for, as data."""
    return {
        "name": job.name,
        "run": job.run,
        "mode": job.mode.value,
        "pass": job.number,
        "shard": job.shard,
        "tenant": job.tenant,
    }


def _where_to_look(run: str) -> str:
    return f"See `kclassify status --run {shown(run)}`."


def _reason(decision: Decision) -> str:
    match decision:
        case Superseded(holder):
            return f"{described(holder)} works on the run"
        case Halt(reason):
            return shown(reason)
        case Done():
            return "it is done"
        case _:
            return str(decision)
