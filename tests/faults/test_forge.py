"""The forge of workers ends what a test has left behind."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from kclassify.testing import StubMessagesAPI
from tests.faults.workers import Forge, scene, stub

__all__ = ["stub"]

pytestmark = pytest.mark.slow


@pytest.mark.timeout(60)
def test_a_suspended_worker_is_ended_with_its_forge(tmp_path: Path, stub: StubMessagesAPI) -> None:
    with scene(tmp_path / "scene", stub) as fresh, closing(Forge()) as forge:
        asleep = forge.suspend(fresh.order(place="after a commit", at=4))
    with pytest.raises(ProcessLookupError):
        os.kill(asleep, 0)
