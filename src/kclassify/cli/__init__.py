"""The command line: `kclassify`."""

from __future__ import annotations

from kclassify.cli.entry import main

__all__ = ["main"]
