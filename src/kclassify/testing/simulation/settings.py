"""Runner settings in which the interesting things happen to few items."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from kclassify.config import RunnerSettings
from kclassify.core.policy import RunPolicy


class SimulatedSettings(RunnerSettings):
    """The settings of a run, with the sizes that a real one does not let anybody choose."""

    window: int = Field(default=20, ge=1)
    observations: int = Field(default=12, ge=1)
    min_observations: int = Field(default=4, ge=1)
    max_snooze_s: float = Field(default=120.0, ge=1)

    @property
    def run_policy(self) -> RunPolicy:
        """That of the real settings, scaled down."""
        policy = super().run_policy
        snooze = replace(
            policy.snooze,
            observations=self.observations,
            min_observations=self.min_observations,
            max_seconds=max(self.max_snooze_s, self.snooze_seconds),
        )
        return replace(policy, snooze=snooze, smallest_window=self.window)
