"""What is done to the tools: how the server behaves while they ask it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`share` of the calls get a 529; after `down_after` answers all do, for `down_s` seconds."""

    name: str
    items: int
    latency_ms: float = 0.0
    share: float = 0.0
    down_after: int = 0
    down_s: float = 0.0


def scenarios(items: int) -> dict[str, Scenario]:
    """By name, for `items` texts; the outage strikes after a third of twice as many."""
    every = (
        Scenario(name="zero", items=items),
        Scenario(name="50ms", items=items, latency_ms=50),
        Scenario(name="overloaded", items=items, share=0.05),
        Scenario(name="outage", items=2 * items, down_after=2 * items // 3, down_s=20),
    )
    return {scenario.name: scenario for scenario in every}
