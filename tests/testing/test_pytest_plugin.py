"""The plugin in a project of its own: with everything, without aiohttp, and unused."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import anyio
import pytest

import kclassify
from kclassify.testing import Fixed, Random

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kclassify.core.call_seen import CallSeen
    from kclassify.testing import FaultPlan, MemoryLedger, Replies, StubMessagesAPI, VirtualClock

HEAVY = ("aiohttp", "anthropic", "anyio", "instructor", "pydantic", "sqlalchemy", "sqlmodel")
WITHOUT_AIOHTTP = """
import sys
sys.modules["aiohttp"] = None
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
UNUSED = f"""
import sys

def test_nothing_heavy_is_imported():
    assert [name for name in {HEAVY!r} if sys.modules.get(name)] == []
"""
USED = """
import os
import pytest
from kclassify.testing import Fixed, WriterContract, MemoryWriter, plans

@pytest.fixture
def kclassify_replies():
    return Fixed("playbook")

@pytest.fixture
def kclassify_plan():
    return plans.outage(0, 1000)

def test_it_runs(kclassify_stub, kclassify_calls):
    assert os.environ["ANTHROPIC_BASE_URL"] == kclassify_stub.url
    assert kclassify_calls() == []

class TestBroken(WriterContract):
    @pytest.fixture
    def make_writer(self):
        return MemoryWriter

    @pytest.fixture
    def read_labels(self):
        return lambda: {"nothing": "at all"}
"""


def project(
    folder: Path, text: str, program: str = "import pytest, sys; sys.exit(pytest.main())"
) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("ANTHROPIC", "PYTEST"))}
    options = ("-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:hypothesispytest", "-q")
    return subprocess.run(
        [sys.executable, "-c", program, *options, "test_it.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_plugin_is_installed_under_its_name() -> None:
    (found,) = entry_points(group="pytest11", name="kclassify")
    assert found.value == "kclassify.testing.pytest_plugin"


def test_who_uses_no_fixture_pays_nothing_and_needs_no_extra(tmp_path: Path) -> None:
    ended = project(tmp_path, UNUSED, WITHOUT_AIOHTTP)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    text = "def test_it(kclassify_stub): ...\ndef test_clock(kclassify_clock): ...\n"
    ended = project(tmp_path, text, WITHOUT_AIOHTTP)
    assert "needs aiohttp: pip install 'kclassify[testing]'" in ended.stdout
    assert "1 passed, 1 error" in ended.stdout


def test_a_project_has_the_fixtures_and_readable_assertions(tmp_path: Path) -> None:
    ended = project(tmp_path, USED)
    assert "'nothing': 'at all'" in ended.stdout  # an assertion of the suite, with its values
    assert "1 failed" not in ended.stdout
    assert "FAILED test_it.py::TestBroken" in ended.stdout
    assert "test_it_runs" not in ended.stdout.partition("short test summary")[2]


def test_the_stub_is_where_a_classifier_asks(
    kclassify_stub: StubMessagesAPI, kclassify_calls: Callable[[], list[CallSeen]]
) -> None:
    taxonomy = kclassify.Taxonomy.from_toml(
        'name = "t"\n'
        + "".join(f'[[category]]\nname = "{name}"\ndefinition = "x"\n' for name in ("a", "b"))
    )

    async def ask() -> kclassify.Verdict[str]:
        async with kclassify.Classifier(taxonomy) as classifier:
            return await classifier.classify("some text")

    assert anyio.run(ask).label in {"a", "b"}
    assert [call.answered for call in kclassify_calls()] == [True]


def test_the_parts_are_there(
    kclassify_replies: Replies,
    kclassify_plan: FaultPlan,
    kclassify_ledger: MemoryLedger,
    kclassify_clock: VirtualClock,
) -> None:
    assert kclassify_replies == Random()
    assert kclassify_plan.entries == ()
    assert kclassify_ledger.runs == {}
    before = kclassify_clock.now()
    kclassify_clock.advance(5)
    assert kclassify_clock.now() == before + 5


class TestOverridden:
    @pytest.fixture
    def kclassify_replies(self) -> Replies:
        return Fixed("pattern")

    def test_a_fixture_is_overridden_as_any(self, kclassify_replies: Replies) -> None:
        assert kclassify_replies == Fixed("pattern")
