"""The exit statuses."""

from __future__ import annotations

FINISHED = 0
FAILED = 1
USAGE = 2
INCONCLUSIVE = 3
STALE = 4
INCOMPLETE = 5
DEFECT = 70
UNFINISHED = 75
INTERRUPTED = 130
CLOSED_PIPE = 141
