"""Parts of a suite that only some implementations can run."""

from __future__ import annotations

from typing import TypeVar

import pytest

Hook = TypeVar("Hook")


def given(hook: Hook | None, name: str) -> Hook:
    """The hook; where there is none the test is skipped, and says which fixture it needs."""
    if hook is None:
        pytest.skip(f"override the fixture `{name}` to run this")
    return hook
