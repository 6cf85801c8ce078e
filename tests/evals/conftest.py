from __future__ import annotations

import gc
from importlib import import_module

import pytest


@pytest.fixture(autouse=True, scope="session")
def _frozen() -> None:
    """statsmodels collects garbage at every call of its Holm, and here that is half the time."""
    import_module("statsmodels.stats.multitest")
    gc.freeze()
