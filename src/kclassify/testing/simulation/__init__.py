"""The real runner in a simulated world: faults by chance, and one seed replays them all.

    from kclassify.testing.simulation import simulate

    assert simulate(seed=4711).is_clean

It needs trio: `pip install 'kclassify[testing]'`.
"""

from __future__ import annotations

from importlib import import_module

from kclassify.errors import MissingExtra

try:
    import_module("trio")  # before the modules that cannot do without it
except ImportError as error:
    raise MissingExtra("a simulation needs trio: pip install 'kclassify[testing]'") from error

from kclassify.testing.simulation.outage import Outage, Trouble
from kclassify.testing.simulation.report import Report
from kclassify.testing.simulation.scenario import Scenario
from kclassify.testing.simulation.settings import SimulatedSettings
from kclassify.testing.simulation.sweep import Figures, simulate_many
from kclassify.testing.simulation.world import simulate

__all__ = [
    "Figures",
    "Outage",
    "Report",
    "Scenario",
    "SimulatedSettings",
    "Trouble",
    "simulate",
    "simulate_many",
]
