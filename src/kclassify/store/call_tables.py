"""The ledger's tables of what calls came to: steps and batches. Amounts are nanodollars.

They are in the registry of `kclassify.store.tables`, as are the rules for names and times.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Text, text
from sqlmodel import Field

from kclassify.store.tables import LedgerTable, ledger_metadata

__all__ = ["BatchRow", "RequestRow", "StepRow", "batches", "ledger_metadata", "requests", "steps"]

_Count = BigInteger().with_variant(Integer(), "sqlite")
_UNENDED = text("ended_at IS NULL")
_UNSETTLED = "kind IS NOT NULL AND is_final IS "


class StepRow(LedgerTable, table=True):
    """One step of a run: its calls, and what it holds for those that have not ended.

    `shard` is the number of the shard that it worked on, 0 where the pass was not divided;
    `charged` that of the last group of its calls that was charged. A step
    without `ended_at` whose worker is dead may have had calls in flight: what it holds stays held.
    """

    # No column that moves with every call is in an index: a call would write to that, too.
    __table_args__ = (
        Index("kclassify_step_by_run", "run_id", "pass_id"),
        Index(
            "kclassify_step_unended",
            "run_id",
            sqlite_where=_UNENDED,
            postgresql_where=_UNENDED,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(_Count, primary_key=True))
    run_id: int = Field(foreign_key="kclassify_run.id")
    pass_id: int = Field(foreign_key="kclassify_pass.id")
    shard: int = 0
    holder: str = Field(sa_type=Text)
    fingerprint: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    began_at: float = Field(sa_type=Double)
    ended_at: float | None = Field(default=None, sa_type=Double)
    last_call_at: float | None = Field(default=None, sa_type=Double)
    decision: str | None = Field(default=None, sa_type=Text)
    calls: int = Field(default=0, sa_type=BigInteger)
    questions: int = Field(default=0, sa_type=BigInteger)
    seconds: float = Field(default=0.0, sa_type=Double)
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)
    cache_write_tokens: int = Field(default=0, sa_type=BigInteger)
    cache_read_tokens: int = Field(default=0, sa_type=BigInteger)
    cost: int = Field(default=0, sa_type=BigInteger)
    unpriced: int = Field(default=0, sa_type=BigInteger)
    uncertain: int = Field(default=0, sa_type=BigInteger)
    held: int = Field(default=0, sa_type=BigInteger)
    charged: int = Field(default=0, sa_type=BigInteger)


class BatchRow(LedgerTable, table=True):
    """A batch of requests at a provider, from the intent to create it to the last result read.

    `nonce` is in the name of each of its requests at the provider. `reached` is the key up to which
    items were looked at when it was planned, `is_all` that none followed. What came of its requests
    is in their own rows.
    """

    __table_args__ = (
        Index("kclassify_batch_by_pass", "pass_id", "shard"),
        Index("kclassify_batch_by_run", "run_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(_Count, primary_key=True))
    run_id: int = Field(foreign_key="kclassify_run.id")
    pass_id: int = Field(foreign_key="kclassify_pass.id")
    shard: int = 0
    fingerprint: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    nonce: str = Field(sa_type=Text)
    remote_id: str | None = Field(default=None, sa_type=Text)
    requests: int
    reached: str | None = Field(default=None, sa_type=Text)
    is_all: bool = False
    intended_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
    polled_at: float | None = Field(default=None, sa_type=Double)
    over_at: float | None = Field(default=None, sa_type=Double)
    held: int = Field(default=0, sa_type=BigInteger)


class RequestRow(LedgerTable, table=True):
    """One request of a batch, and what came of it: `kind` is NULL until its result is stored.

    `is_final` says that its item is not asked again, `counts` that it was one of its attempts.
    `worst` is what it can cost at most, NULL where no price is known; `body_chars_cut` how many
    characters of its item the model does not see.
    """

    __table_args__ = (
        Index("kclassify_request_by_pass", "pass_id", "item_digest"),
        Index(
            "kclassify_request_unsettled",
            "pass_id",
            sqlite_where=text(_UNSETTLED + "0"),
            postgresql_where=text(_UNSETTLED + "false"),
        ),
        {"sqlite_with_rowid": False},
    )

    batch_id: int = Field(primary_key=True, foreign_key="kclassify_batch.id")
    item_digest: str = Field(primary_key=True, sa_type=Text)
    pass_id: int = Field(foreign_key="kclassify_pass.id")
    shard: int = 0
    worst: int | None = Field(default=None, sa_type=BigInteger)
    body_chars_cut: int = 0
    kind: str | None = Field(default=None, sa_type=Text)
    detail: str = Field(default="", sa_type=Text)
    is_final: bool = False
    counts: bool = False


steps = ledger_metadata.tables["kclassify_step"]
batches = ledger_metadata.tables["kclassify_batch"]
requests = ledger_metadata.tables["kclassify_request"]
