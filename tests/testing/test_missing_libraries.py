"""Without the libraries of the extra `testing`, what needs them says so and the rest works."""

from __future__ import annotations

import subprocess
import sys

import pytest

RECORDS = """
from kclassify.testing import RequestRecord, calls_seen
record = RequestRecord(0, "POST", "/v1/messages", {}, False, None, 0.0, 1)
print(len(calls_seen([record])), "call")
"""


def told_without(library: str, program: str) -> str:
    """The last line that a program prints where this library is not installed."""
    hidden = f"import sys; sys.modules[{library!r}] = None\n{program}"
    command = [sys.executable, "-c", hidden]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (ended.stdout + ended.stderr).splitlines()[-1]


@pytest.mark.parametrize(
    ("library", "program", "told"),
    [
        ("aiohttp", "from kclassify.testing import StubMessagesAPI", "the stub needs aiohttp"),
        ("aiohttp", "import kclassify.testing.stub", "the stub needs aiohttp"),
        ("trio", "import kclassify.testing.simulation", "a simulation needs trio"),
    ],
)
def test_the_extra_is_named(library: str, program: str, told: str) -> None:
    error = f"kclassify.errors.MissingExtra: {told}: pip install 'kclassify[testing]'"
    assert told_without(library, program) == error


@pytest.mark.parametrize("library", ["aiohttp", "trio"])
def test_records_of_calls_are_read_without_either(library: str) -> None:
    assert told_without(library, RECORDS) == "1 call"
