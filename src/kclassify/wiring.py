"""From settings to the parts of a run: taxonomy, source, classifier, ledger and writer."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from kclassify.canary_file import CanaryFile
from kclassify.classifier.from_settings import Costs, make_classifier
from kclassify.config import GateSettings, Settings, SourceSettings, WriterSettings
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.database import Database
from kclassify.errors import ConfigError, WriterError
from kclassify.events import Listener
from kclassify.gate_file import GateFile
from kclassify.ports import Classifier, Source, Tranches, Writer
from kclassify.runner import ReclassifyRunner
from kclassify.sources import SqlSource, open_source
from kclassify.sources.filters import Filter
from kclassify.sources.tenants import TenantColumn, rows_of_tenant
from kclassify.store import LedgerReader, SqlLedger
from kclassify.writers import ColumnWriter, ExtraColumns, JsonlWriter


@dataclass(frozen=True, slots=True)
class Stores:
    """Where items are read and written, and the ledger; one database for all where it can be."""

    source: Source
    writer: Writer
    ledger: SqlLedger


@contextmanager
def open_stores(settings: Settings) -> Generator[Stores]:
    """Source, writer and ledger, closed on exit. Raises `ConfigError` and `SourceError`.

    Where the ledger is in the source's database both use one `Database`, so that write, audit and
    cursor share a transaction.
    """
    with ExitStack() as stack:
        if settings.source.url is None:
            ledger = stack.enter_context(closing(Database(settings.ledger_url, create=True)))
            source, writer = _file_source(settings), _file_writer(settings)
            stack.enter_context(closing(writer))
            yield Stores(writer.relabelled(source), writer, SqlLedger(ledger))
        else:
            # The same for a worker in another folder, so that it goes on with the same source.
            database = Database(settings.source.url, beside=settings.folder)
            ledger = stack.enter_context(closing(database))
            if settings.ledger_url != settings.source.url:
                own = stack.enter_context(closing(Database(settings.ledger_url, create=True)))
                ledger = database if own.identity == database.identity else own
            yield Stores(
                table_source(database, settings.source, settings.tenant),
                table_writer(database, settings.source, settings.writer),
                SqlLedger(ledger),
            )


def make_runner(
    settings: Settings,
    stores: Stores,
    classifier: Classifier[str],
    listener: Listener,
) -> ReclassifyRunner:
    """The runner over these parts."""
    return ReclassifyRunner(
        source=stores.source,
        classifier=classifier,
        ledger=stores.ledger,
        writer=stores.writer,
        name=settings.run.name,
        settings=settings.runner,
        timeout_s=settings.classifier.timeout_s * (1 if settings.cascade is None else 2),
        gate=None if settings.gate.record is None else GateFile(settings.gate.record),
        canary=_canary(settings.gate),
        tranches=_tranches(settings.gate),
        listeners=[listener, *_telemetry()],
    )


def _telemetry() -> list[Listener]:
    """Spans and metrics where OpenTelemetry is in use: who configures an SDK imports its API."""
    if not {"opentelemetry.trace", "opentelemetry.metrics"} & sys.modules.keys():
        return []
    from kclassify.telemetry import Telemetry  # noqa: PLC0415  # costs nothing where it is not in use

    return [Telemetry()]


def _canary(gate: GateSettings) -> CanaryFile | None:
    """With tranches the file may be missing: there is nothing to check before the first is over."""
    if gate.canary is None:
        return None
    return CanaryFile(gate.canary, may_be_missing=gate.tranche is not None)


def _tranches(gate: GateSettings) -> Tranches | None:
    return None if gate.tranche is None else Tranches(gate.tranche, gate.canary_checks)


def classifier_of(
    settings: Settings, model: str | None, *, api_key: str | None = None
) -> Classifier[str]:
    """The classifier; `model` is the one that was asked for. Raises `UsageError`.

    Without an `api_key` it is the one in the environment.
    """
    taxonomy = read_taxonomy(settings.taxonomy.file)
    stray = sorted(settings.runner.min_confidence_by_category.keys() - taxonomy.known)
    if stray:
        raise ConfigError(
            f"[runner] min_confidence_by_category: {stray[0]!r} is no category of "
            f"{settings.taxonomy.file}"
        )
    costs = Costs(settings.prices, settings.batch.limits, settings.cascade)
    connections = settings.runner.max_concurrency
    return make_classifier(
        taxonomy, settings.classifier, model, connections, costs, api_key=api_key
    )


def reader_of(stores: Stores) -> LedgerReader:
    """A reader of the ledger of a run."""
    return LedgerReader(stores.ledger.database)


def table_source(
    database: Database, source: SourceSettings, tenant: str | None = None
) -> SqlSource:
    """The source over a table, or over the rows of one tenant."""
    kept: Filter | None = source.filter or None
    if tenant is not None and source.tenant is not None:
        kept = rows_of_tenant(database, source.tenant, tenant, kept)
    return SqlSource(
        database,
        _table(source),
        key=source.key,
        title=source.title,
        body=source.body,
        current=source.current,
        schema=source.schema_name,
        filter=kept,
    )


def table_writer(
    database: Database, source: SourceSettings, writer: WriterSettings
) -> ColumnWriter:
    """The writer into the table that the items come from."""
    if writer.path is not None:
        raise ConfigError("[writer] path: the items are in a table, and so are the labels written")
    return ColumnWriter(
        database,
        _table(source),
        key=source.key,
        current=source.current,
        schema=source.schema_name,
        extra=ExtraColumns(
            reclassified_from=writer.reclassified_from,
            confidence=writer.confidence,
            metadata=writer.metadata,
        ),
        protected=[name for name in (source.title, source.body) if name is not None],
    )


def tenant_column(database: Database, source: SourceSettings) -> TenantColumn:
    """The column that says whose a row is. Raises `ConfigError` where the settings name none."""
    if source.tenant is None:
        raise ConfigError("[source] tenant: is missing: the column that says whose a row is")
    return TenantColumn(
        database,
        _table(source),
        source.tenant,
        schema=source.schema_name,
        filter=source.filter or None,
    )


def _table(source: SourceSettings) -> str:
    if source.table is None:
        raise ConfigError("[source] table: is missing")
    return source.table


def _file_source(settings: Settings) -> Source:
    source = settings.source
    if source.path is None:
        raise ConfigError("[source]: give either url and table, or path")
    of_tables = (
        ("filter", source.filter),
        ("schema", source.schema_name),
        ("tenant", source.tenant),
    )
    for name, given in of_tables:
        if given:
            raise ConfigError(f"[source] {name}: is for tables, and {source.path} is a file")
    return open_source(
        source.path,
        key=source.key,
        title=source.title,
        body=source.body,
        current=source.current,
        beside=settings.folder,
    )


def _file_writer(settings: Settings) -> JsonlWriter:
    source = settings.source.path
    if source is None:
        raise WriterError("there is no file to write a new version of")
    for name in ("reclassified_from", "confidence", "metadata"):
        if getattr(settings.writer, name) is not None:
            raise ConfigError(f"[writer] {name}: is for tables, and {source} is a file")
    path = settings.writer.path or source.with_name(f"{source.stem}.relabelled{source.suffix}")
    return JsonlWriter(source, path, key=settings.source.key, current=settings.source.current)
