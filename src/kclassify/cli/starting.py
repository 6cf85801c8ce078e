"""Begins passes for a job system to work on: `kclassify start`."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kclassify.adapters.from_config import runner_of, settings_of
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.adapters.kick import start
from kclassify.adapters.tenants import TenantStart, start_every_tenant
from kclassify.adapters.translate import Build
from kclassify.cli.begun import Begun, compared, unfinished_pass
from kclassify.cli.tenant_rows import require_rows
from kclassify.config import Settings
from kclassify.core.decision import Decision
from kclassify.core.passes import Mode
from kclassify.database import Database
from kclassify.errors import ConfigError, EnqueueError
from kclassify.runner import ReclassifyRunner
from kclassify.store import LedgerReader
from kclassify.wiring import classifier_of, tenant_column

_LATER = "the pass is begun: the same command, or kclassify kick, enqueues it later"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOrder:
    """What is to be started: `config` is the file that the workers read, an absolute path."""

    config: Path
    mode: Mode
    override: str | None = None
    model: str | None = None
    shards: int | None = None


def start_one(settings: Settings, jobs: JobSystem, order: StartOrder) -> Begun:
    """Start the run of the settings. Raises as `start` does, `SourceError` for nobody's rows too.

    Where a job is not enqueued, the `EnqueueError` says what became of the pass.
    """
    require_rows(settings)
    job = _job(settings, order)
    with _build(settings, order)(job) as runner, _ledger(settings) as database:
        reader = LedgerReader(database)
        before = unfinished_pass(reader, job.run, job.mode)
        try:
            outcome: list[Job] | Decision = start(runner, database, jobs, job)
        except EnqueueError as error:
            begun = Begun([], *compared(reader, job.run, before, order.shards))
            raise EnqueueError("; ".join([str(error), _LATER, *begun.remarks()])) from None
        return Begun(outcome, *compared(reader, job.run, before, order.shards))


@dataclass(frozen=True, slots=True)
class EveryStart:
    """The runs of all tenants, and how many rows are nobody's: no run of a tenant has those."""

    starts: list[TenantStart]
    rows_without: int


def start_all(settings: Settings, jobs: JobSystem, order: StartOrder) -> EveryStart:
    """Start the run of each tenant. Raises as `start_every_tenant` does."""
    job = _job(settings, order)
    if settings.source.url is None:
        raise ConfigError("[source] tenant: is for tables, and the items are in a file")
    with closing(Database(settings.source.url)) as table:
        column = tenant_column(table, settings.source)
        rows_without = column.count_rows_without()
        with _ledger(settings) as database:
            each = start_every_tenant(
                _build(settings, order), database, jobs, job, column.tenants()
            )
            return EveryStart(list(_counted(each)), rows_without)


def _counted(starts: Iterator[TenantStart]) -> Iterator[TenantStart]:
    count = 0
    try:
        for each in starts:
            count += 1
            yield each
    except EnqueueError as error:
        raise EnqueueError(
            f"{error}; {count:,} runs are started, and the same command goes on with the others"
        ) from None


def _job(settings: Settings, order: StartOrder) -> Job:
    return Job(
        run=settings.run.name,
        mode=order.mode,
        override=order.override,
        budget_s=settings.jobs.budget_s,
        config=str(order.config),
        tenant=settings.tenant,
        model=order.model,
    )


def _build(settings: Settings, order: StartOrder) -> Build:
    """The runner of a job; its classifier is made once for all tenants."""
    classifier = classifier_of(settings, order.model)

    @contextmanager
    def runner(job: Job) -> Generator[ReclassifyRunner]:
        with runner_of(settings_of(job, order.shards), classifier=classifier) as opened:
            yield opened

    return runner


@contextmanager
def _ledger(settings: Settings) -> Generator[Database]:
    with closing(Database(settings.ledger_url, create=True)) as database:
        yield database
