from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.window import make_table

ROOT = Path(__file__).parents[2]


def peak(folder: Path, rows: int) -> int:
    path = folder / f"{rows}.db"
    make_table(path, rows, body="x" * 2000).close()
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.memory", str(path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    path.unlink()
    return int(ended.stdout)


@pytest.mark.timeout(900)
def test_memory_is_flat_from_ten_thousand_to_two_hundred_thousand_items(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small, large = peak(tmp_path, 10_000), peak(tmp_path, 200_000)
    with capsys.disabled():
        print(f"\npeak memory: {small / 2**20:.0f} MB, twenty times the rows: {large / small:.2f}")
    assert large / small <= 1.2
