"""Imported by every process that has this folder in its PYTHONPATH: outages in a test's time.

Snoozes do not grow, and a database that failed is tried again after a second. Where the file
`KCLASSIFY_TEST_CRASH` names is there, the machine of the next worker that has more to do dies
between the commit of its step and the enqueueing of the next one.
"""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path

from kclassify.adapters import translate
from kclassify.core.decision import Decision
from kclassify.core.follow_up import EnqueueNext, FollowUp
from kclassify.core.follow_up import follow_up as real_follow_up
from kclassify.core.policy import SnoozePolicy


def _duration(self: SnoozePolicy, count: int, retry_after_s: float, jitter: float) -> int:
    del count, jitter
    return max(1, math.ceil(max(self.seconds, retry_after_s)))


def _follow_up(decision: Decision) -> FollowUp:
    following = real_follow_up(decision)
    order = Path(os.environ.get("KCLASSIFY_TEST_CRASH", os.devnull))
    if isinstance(following, EnqueueNext) and order.is_file():
        order.unlink()
        os.killpg(0, signal.SIGKILL)
    return following


SnoozePolicy.duration = _duration  # type: ignore[method-assign]
translate.follow_up = _follow_up  # type: ignore[attr-defined]
translate.DATABASE_AGAIN_S = 1  # type: ignore[attr-defined]
