"""Which fault the next request meets: a script first, then a switch, then the plan."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kclassify.testing.faults import Fault
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.plan_entries import Arrival


class FaultSwitches:
    """Faults set by hand over a plan, safe to change from any thread."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._script: deque[Fault | None] = deque()
        self._current: Fault | None = None

    @property
    def current(self) -> Fault | None:
        """The fault that is switched on."""
        return self._current

    def set_fault(self, fault: Fault | None) -> None:
        """Switches a fault on for all requests from now, or off."""
        with self._lock:
            self._current = fault

    def script(self, faults: Iterable[Fault | None]) -> None:
        """Replaces the script: one entry a request, None for a good answer."""
        with self._lock:
            self._script = deque(faults)

    def choose(self, arrival: Arrival) -> Fault | None:
        """The fault for a request; takes one entry off the script."""
        with self._lock:
            if self._script:
                return self._script.popleft()
            if self._current is not None:
                return self._current
        return self._plan.choose(arrival)
