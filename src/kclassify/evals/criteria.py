"""`[policy]` and `[gate]` of a suite: what would be written, and what has to be shown."""

from __future__ import annotations

from pydantic import Field

from kclassify.config.table import Table


class PolicyTable(Table):
    """`[policy]`: the writes that are evaluated.

    No threshold below `min_confidence` is considered. Proposals into a category of `veto` are left
    out, in the evaluation and then in the commit.
    """

    min_confidence: float = Field(default=0.75, ge=0, le=1)
    veto: tuple[str, ...] = ()


class GateTable(Table):
    """`[gate]`: what has to be shown before a commit may write.

    Of the writes a share of at least `write_precision` is right, certified with an error of at most
    `delta`, half as much at each further look at the same rows. No category's proposals are shown
    to be right less often than `class_floor` (Holm, at `class_alpha`). With probability
    `net_benefit_prob` more rows get better than worse. At most `max_wrong_writes` rows become wrong
    (None: any number), by the upper end of a 95% interval. A category with `flow_ratio_warn` times
    more inflow than outflow is warned of. `top_up` labelled proposals a category are asked for,
    where there are as many. A record is good for `expires_days`; a sealed holdout may be looked at
    `holdout_looks` times.
    """

    write_precision: float = Field(default=0.90, gt=0, lt=1)
    delta: float = Field(default=0.10, gt=0, lt=1)
    class_floor: float = Field(default=0.85, gt=0, lt=1)
    class_alpha: float = Field(default=0.05, gt=0, lt=1)
    net_benefit_prob: float = Field(default=0.95, gt=0, lt=1)
    max_wrong_writes: int | None = Field(default=None, ge=0)
    flow_ratio_warn: float = Field(default=2.0, gt=0)
    top_up: int = Field(default=20, ge=0)
    expires_days: float = Field(default=30.0, gt=0, le=3650, allow_inf_nan=False)
    holdout_looks: int = Field(default=3, ge=1)
