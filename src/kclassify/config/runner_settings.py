"""`[runner]`: how a run goes."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, field_validator, model_validator

from kclassify.config.table import Table
from kclassify.core.policy import RetryPolicy, RunPolicy, SnoozePolicy, WritePolicy
from kclassify.core.price import NANODOLLARS


class RunnerSettings(Table):
    """`[runner]`: how a run goes. Seconds, and shares in [0, 1].

    `shards` is into how many parts a pass is cut when it begins, for as many workers.
    `max_concurrency` is each worker's own, `shared_concurrency` what all of them have in flight
    together. `budget_usd` is what a run may cost in dollars, all of its passes, resumes and shards
    together: nothing is asked that could exceed it. `snooze_seconds` is the first snooze of an
    outage; those after it grow by a fifth each. `lease_s` is how long a dead worker blocks a
    run; `grace_s` how long calls in flight may go on after a stop; `checkpoint_s` how long settled
    items wait for their transaction at most.
    """

    max_concurrency: int = Field(default=10, ge=1)
    shards: int = Field(default=1, ge=1)
    shared_concurrency: int | None = Field(default=None, ge=1)
    min_confidence: float = Field(default=0.75, ge=0, le=1)
    min_confidence_by_category: dict[str, float] = Field(default_factory=dict[str, float])
    snooze_error_rate: float = Field(default=0.5, gt=0, le=1)
    snooze_seconds: float = Field(default=1.0, ge=1)
    max_outage_s: float = Field(default=86_400.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    max_items: int | None = Field(default=None, ge=1)
    budget_usd: Decimal | None = Field(default=None, gt=0)
    lease_s: float = Field(default=60.0, ge=1)
    grace_s: float = Field(default=5.0, ge=0)
    checkpoint_s: float = Field(default=1.0, gt=0)
    checkpoint_items: int = Field(default=500, ge=1)

    @model_validator(mode="after")
    def _enough_for_all(self) -> RunnerSettings:
        shared = self.shared_concurrency
        if shared is not None and shared < self.shards:
            raise ValueError(
                f"shared_concurrency {shared} is less than a call for each of {self.shards} shards"
            )
        return self

    @field_validator("min_confidence_by_category")
    @classmethod
    def _in_range(cls, value: dict[str, float]) -> dict[str, float]:
        for name, threshold in value.items():
            if not 0 <= threshold <= 1:
                raise ValueError(f"{name}: a confidence lies in [0, 1], not at {threshold:g}")
        return value

    @property
    def budget(self) -> int | None:
        """The budget in nanodollars, one at least; None when there is none."""
        return None if self.budget_usd is None else max(1, int(self.budget_usd * NANODOLLARS))

    @property
    def run_policy(self) -> RunPolicy:
        """Concurrency, snooze and retry, as the state machine wants them."""
        snooze = SnoozePolicy(
            error_rate=self.snooze_error_rate,
            seconds=self.snooze_seconds,
            max_seconds=max(120.0, self.snooze_seconds),
            max_outage_s=self.max_outage_s,
        )
        retry = RetryPolicy(max_attempts=self.max_attempts)
        return RunPolicy(max_concurrency=self.max_concurrency, snooze=snooze, retry=retry)

    @property
    def write_policy(self) -> WritePolicy:
        """The confidence from which a change is written."""
        return WritePolicy(self.min_confidence, self.min_confidence_by_category)
