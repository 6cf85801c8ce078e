"""Runs a classifier over a source: concurrent calls, serial writes, nothing skipped."""

from kclassify.runner.runner import ReclassifyRunner
from kclassify.runner.signals import stop_on_signals

__all__ = ["ReclassifyRunner", "stop_on_signals"]
