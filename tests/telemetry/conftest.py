from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import attach, get_current

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_current() -> Iterator[None]:
    """Where a test tells of no end, its step would be the current span of the next one."""
    before = get_current()
    yield
    attach(before)
