"""The shipped suites pass what is sound and find each planted bug."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUITES = Path(__file__).with_name("suites_with_bugs.py")


AT_MOST_S = 100


def failed_by_class(folder: Path) -> dict[str, list[str]]:
    """The tests that failed, of each class in the file.

    In a folder of its own: in the shared one pytest clears away what other sessions have left,
    which takes as long as there is much of it.
    """
    options = ("-p", "no:cacheprovider", "-q", "--tb=no", "-rfE", "-c", "/dev/null")
    own = f"--basetemp={folder / 'own'}"
    command = [sys.executable, "-m", "pytest", *options, own, str(SUITES)]
    # Under CI a property is tried far more often, and shrinking twenty bugs takes minutes.
    quick = {name: value for name, value in os.environ.items() if name != "CI"}
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=quick, timeout=AT_MOST_S
    )
    text = SUITES.read_text(encoding="utf-8")
    found: dict[str, list[str]] = {name: [] for name in re.findall(r"\nclass (Test\w+)", text)}
    for name, test in re.findall(r"^FAILED \S+::(\w+)::(\w+)", ended.stdout, re.MULTILINE):
        found[name].append(test)
    assert "passed" in ended.stdout, ended.stdout + ended.stderr
    assert "\nERROR " not in ended.stdout, ended.stdout
    return found


@pytest.mark.slow
def test_each_bug_is_found_and_what_is_sound_passes(
    tmp_path: Path,
) -> None:
    failed = failed_by_class(tmp_path)
    assert len(failed) > 20
    for name, tests in failed.items():
        assert bool(tests) == ("Sound" not in name), f"{name}: {tests}"
