from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True, scope="session")
def _frozen() -> None:
    """statsmodels collects garbage at every call of its Holm, and here that is half the time."""
    import statsmodels.stats.multitest  # noqa: F401, PLC0415

    gc.freeze()
