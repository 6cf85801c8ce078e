"""What the jobs of a chain carry: which step to take. Never the cursor: the ledger has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from kclassify.core.passes import Mode
from kclassify.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One step of a run, as every job of its chain carries it.

    `budget_s` is for how many seconds it starts calls. `number` is that of the pass: a job that
    comes late, or twice, finds it done and begins no other. `ticket` tells a chain of jobs from one
    that was thought lost: the newest goes on. `shard` is None for a pass in one piece.
    `override` is the reason for a commit without a gate record that passed. `config` is the path of
    the `kclassify.toml` that the worker reads and `tenant` the tenant that the run is about; a
    `Build` of your own may look at anything else here.
    """

    run: str
    mode: Mode = Mode.DRY_RUN
    shard: int | None = None
    override: str | None = None
    budget_s: float = 10.0
    config: str | None = None
    tenant: str | None = None
    number: int | None = None
    ticket: int | None = None
    model: str | None = None

    def arguments(self) -> dict[str, Any]:
        """The same as JSON: what a job system stores."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Job:
        """The job that has these arguments. Raises `UsageError` for what is no job's."""
        try:
            given: dict[str, Any] = {**arguments}
            given["mode"] = Mode(arguments.get("mode", Mode.DRY_RUN))
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise UsageError(f"these are not the arguments of a kclassify job: {error}") from None

    def at(self, number: int, shard: int | None, ticket: int | None = None) -> Job:
        """The same for a pass, and a shard of it."""
        return replace(self, number=number, shard=shard, ticket=ticket)

    @property
    def name(self) -> str:
        """For logs and locks: `articles commit 2`, `articles commit 2 shard 3`."""
        told = f"{self.run} {self.mode}"
        told = told if self.number is None else f"{told} {self.number}"
        return told if self.shard is None else f"{told} shard {self.shard}"
