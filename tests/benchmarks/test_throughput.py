from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.benchmarks.window import run_batches, run_window


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("concurrency", "rows"), [(10, 800), (50, 4000)])
def test_the_window_keeps_the_concurrency_full(
    concurrency: int, rows: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = 0.0
    measured: list[float] = []
    while best < 0.95 and len(measured) < 3:  # others use this machine too
        folder = tmp_path / str(len(measured))
        folder.mkdir()
        measured.append(anyio.run(run_window, folder, rows, concurrency))
        best = max(measured)
    batches = anyio.run(run_batches, rows, concurrency)
    with capsys.disabled():
        print(
            f"\nconcurrency {concurrency}: "
            f"{', '.join(f'{one:.3f}' for one in measured)} of concurrency / mean latency, "
            f"batches with a barrier {batches:.3f}"
        )
    assert best >= 0.95
    assert best > batches
