"""Fixtures for pytest, there wherever kclassify is installed; they import what they need when used.

`kclassify_stub` is a running `StubMessagesAPI` that `ANTHROPIC_BASE_URL` points to. Override
`kclassify_replies` and `kclassify_plan` to say what it answers, and what goes wrong when.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kclassify.core.call_seen import CallSeen
    from kclassify.testing import FaultPlan, MemoryLedger, Replies, StubMessagesAPI, VirtualClock

pytest.register_assert_rewrite("kclassify.testing.contracts")


@pytest.fixture
def kclassify_replies() -> Replies:
    """What `kclassify_stub` answers: a label drawn by the item's text, unless overridden."""
    _need_aiohttp()
    from kclassify.testing import Random  # noqa: PLC0415

    return Random()


@pytest.fixture
def kclassify_plan() -> FaultPlan:
    """What goes wrong at `kclassify_stub`, and when: nothing, unless overridden."""
    from kclassify.testing import FaultPlan  # noqa: PLC0415

    return FaultPlan()


@pytest.fixture
def kclassify_clock() -> VirtualClock:
    """A clock that jumps over every wait. A runner takes it as its `clock`."""
    from kclassify.testing import VirtualClock  # noqa: PLC0415

    return VirtualClock()


@pytest.fixture
def kclassify_ledger() -> MemoryLedger:
    """An empty ledger in memory."""
    from kclassify.testing import MemoryLedger  # noqa: PLC0415

    return MemoryLedger()


@pytest.fixture
def kclassify_stub(
    kclassify_replies: Replies, kclassify_plan: FaultPlan, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StubMessagesAPI]:
    """A Messages API that runs for this test, and the environment in which it is the provider."""
    _need_aiohttp()
    from kclassify.testing import StubMessagesAPI  # noqa: PLC0415

    with StubMessagesAPI(kclassify_replies, plan=kclassify_plan) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "stub")
        monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
        yield stub


@pytest.fixture
def kclassify_calls(kclassify_stub: StubMessagesAPI) -> Callable[[], list[CallSeen]]:
    """Called, it gives the calls that the stub has seen so far, for `kclassify.verify`."""
    from kclassify.testing import calls_seen  # noqa: PLC0415

    return lambda: calls_seen(kclassify_stub)


def _need_aiohttp() -> None:
    try:
        import_module("aiohttp")
    except ImportError:
        pytest.fail("this fixture needs aiohttp: pip install 'kclassify[testing]'", pytrace=False)
