"""The tables of `kclassify.toml`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from kclassify.config.runner_settings import RunnerSettings
from kclassify.config.table import PathBeside, Table, UrlBeside, url_beside
from kclassify.core.batch import BatchLimits
from kclassify.errors import ConfigError


class RunSettings(Table):
    """`[run]`: the name under which the ledger keeps the run."""

    name: str = Field(default="default", min_length=1)


class SourceSettings(Table):
    """`[source]`: a table (`url`, `table`) or a file (`path`), and what its columns are called.

    `filter` keeps the rows in which each named column holds the given value. `tenant` is the column
    that says whose a row is, for a run of each tenant's own.
    """

    url: UrlBeside | None = Field(default=None, repr=False)
    path: PathBeside | None = None
    table: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    key: str = "id"
    title: str | None = None
    body: str = "body"
    current: str = "current"
    filter: dict[str, Any] = Field(default_factory=dict[str, Any])
    tenant: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> SourceSettings:
        if (self.url is None) == (self.path is None):
            raise ValueError("give either url and table, or path")
        if self.url is not None and not self.table:
            raise ValueError("table is missing")
        return self


class TaxonomySettings(Table):
    """`[taxonomy]`: the file that defines the categories."""

    file: PathBeside = Path("taxonomy.toml")


class ClassifierSettings(Table):
    """`[classifier]`: the model and what it may see.

    `model` is an instructor provider string, or `local`, which is fitted on `examples` (JSON Lines
    with `body`, `gold` and perhaps `title`) or loaded from `artifact`. `instructions` is a text
    file that replaces the built-in instructions of the prompt. `transport` is `direct`, a call for
    each item, or `batch`, for half the price within a day. `cache` is how long the provider keeps
    the part of the prompt that all items share: `5m`, `1h` or `off`.
    """

    model: str | None = None
    timeout_s: float = Field(default=30.0, gt=0)
    max_body_chars: int = Field(default=16_000, gt=0)
    max_tokens: int = Field(default=1024, gt=0)
    may_abstain: bool = False
    base_url: str | None = Field(default=None, repr=False)
    instructions: PathBeside | None = None
    examples: PathBeside | None = None
    artifact: PathBeside | None = None
    transport: Literal["direct", "batch"] = "direct"
    cache: Literal["5m", "1h", "off"] = "5m"


class BatchSettings(Table):
    """`[batch]`: how batches are made where `[classifier] transport` is `batch`.

    `requests` and `bytes` of one batch, whichever is reached first, `in_flight` at once, and
    seconds between two looks at them.
    """

    requests: int = Field(default=10_000, ge=1, le=100_000)
    bytes: int = Field(default=64_000_000, ge=1, le=256_000_000)
    in_flight: int = Field(default=4, ge=1)
    poll_s: float = Field(default=60.0, gt=0)

    @property
    def limits(self) -> BatchLimits:
        """The same, as the core has it."""
        return BatchLimits(
            requests=self.requests,
            bytes=self.bytes,
            in_flight=self.in_flight,
            poll_s=self.poll_s,
        )


class PriceSettings(Table):
    """`[prices."provider/model"]`: dollars per million tokens, where the built-in price is wrong.

    Cache prices that are not given are the same part of the input's as in the built-in price, and
    the input's where there is none. `batch_factor` multiplies all of it in a batch.
    `min_cache_tokens` is the length from which a prefix is cached.
    """

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cache_write: Decimal | None = Field(default=None, ge=0)
    cache_write_1h: Decimal | None = Field(default=None, ge=0)
    cache_read: Decimal | None = Field(default=None, ge=0)
    batch_factor: Decimal | None = Field(default=None, gt=0, le=1)
    min_cache_tokens: int = Field(default=0, ge=0)


class CascadeSettings(Table):
    """`[cascade]`: a second model is asked where the first is less confident than `below`."""

    model: str
    below: float = Field(default=0.75, gt=0, le=1)


class WriterSettings(Table):
    """`[writer]`: the new file of a run over a file; the extra columns of a run over a table."""

    path: PathBeside | None = None
    reclassified_from: str | None = None
    confidence: str | None = None
    metadata: str | None = None


class LedgerSettings(Table):
    """`[ledger]`: its database; the source's own when absent."""

    url: UrlBeside | None = Field(default=None, repr=False)


class GateSettings(Table):
    """`[gate]`: the record that an evaluation passed, and the checks on what is written.

    `tranche` is how many rows a commit writes before it waits for people; `canary` a JSON Lines
    file with the `id` and `gold` of written rows that they looked at, `canary_checks` how many of
    those are wanted per tranche.
    """

    record: PathBeside | None = None
    tranche: int | None = Field(default=None, ge=1)
    canary: PathBeside | None = None
    canary_checks: int = Field(default=20, ge=0)


class JobsSettings(Table):
    """`[jobs]`: the job system that takes the steps of a run.

    `app` is where it is found, `module:attribute`, and `on` its name, to be sure. `budget_s` is for
    how long a step starts calls, `fresh_s` for how long after a sign of life `kick` waits.
    """

    app: str | None = None
    on: str | None = None
    budget_s: float = Field(default=10.0, gt=0)
    fresh_s: float = Field(default=60.0, ge=0)


class Settings(Table):
    """Everything that `kclassify.toml` may hold, and the folder that it lies in."""

    run: RunSettings = Field(default_factory=RunSettings)
    source: SourceSettings
    taxonomy: TaxonomySettings = Field(default_factory=TaxonomySettings)
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings)
    batch: BatchSettings = Field(default_factory=BatchSettings)
    cascade: CascadeSettings | None = None
    prices: dict[str, PriceSettings] = Field(default_factory=dict[str, PriceSettings])
    runner: RunnerSettings = Field(default_factory=RunnerSettings)
    writer: WriterSettings = Field(default_factory=WriterSettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    gate: GateSettings = Field(default_factory=GateSettings)
    jobs: JobsSettings = Field(default_factory=JobsSettings)
    folder: Path = Field(default=Path(), exclude=True)
    _tenant: str | None = PrivateAttr(default=None)

    @property
    def tenant(self) -> str | None:
        """The tenant whose rows alone are items; None for all rows."""
        return self._tenant

    def of_tenant(self, tenant: str) -> Settings:
        """The same for the rows of one tenant. Raises `ConfigError` where no column tells whose."""
        if self.source.tenant is None:
            raise ConfigError(
                "a run of one tenant needs [source] tenant: the column that says whose a row is"
            )
        own = self.model_copy()
        own._tenant = tenant  # noqa: SLF001  # of a copy of its own
        return own

    @property
    def ledger_url(self) -> str:
        """Where the ledger lives: its own database, the source's, or one beside the file."""
        beside = url_beside(self.folder, "sqlite:///kclassify.db")
        return self.ledger.url or self.source.url or beside
