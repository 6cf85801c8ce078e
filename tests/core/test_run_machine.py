from __future__ import annotations

from hypothesis import settings

from tests.core.run_machine import RunMachine

TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(stateful_step_count=40)
