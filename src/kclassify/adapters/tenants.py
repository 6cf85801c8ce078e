"""A run for each tenant of a table, begun and enqueued one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.adapters.kick import start
from kclassify.adapters.translate import Build
from kclassify.config.tenant import run_of_tenant
from kclassify.core.decision import Decision
from kclassify.database import Database
from kclassify.errors import SourceError


@dataclass(frozen=True, slots=True)
class TenantStart:
    """What became of the run of one tenant.

    `jobs` were enqueued; none where its chain goes on already. `decision` says why there is nothing
    to start, `refusal` what is wrong with the rows of this tenant.
    """

    tenant: str
    run: str
    jobs: tuple[Job, ...] = ()
    decision: Decision | None = None
    refusal: str | None = None


def start_every_tenant(
    build: Build, database: Database, jobs: JobSystem, job: Job, tenants: Iterable[str]
) -> Iterator[TenantStart]:
    """Start the run of each tenant, one at a time, as the iterator is asked for the next.

    `job` is what their jobs have in common, and `job.run` the name that theirs begin with:
    `articles/acme`. `database` is that of the ledger. Safe to be repeated, after a crash too: what
    goes on is left alone. Raises what `start` raises, but for a `SourceError`, which is about one
    tenant.
    """
    for tenant in tenants:
        own = replace(job, run=run_of_tenant(job.run, tenant), tenant=tenant)
        yield _start(build, database, jobs, own)


def _start(build: Build, database: Database, jobs: JobSystem, job: Job) -> TenantStart:
    told = TenantStart(job.tenant or "", job.run)
    try:
        with build(job) as runner:
            begun = start(runner, database, jobs, job)
    except SourceError as error:
        return replace(told, refusal=str(error))
    if isinstance(begun, list):
        return replace(told, jobs=tuple(begun))
    return replace(told, decision=begun)
