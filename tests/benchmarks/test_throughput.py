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
    window = anyio.run(run_window, tmp_path, rows, concurrency)
    batches = anyio.run(run_batches, rows, concurrency)
    with capsys.disabled():
        print(
            f"\nconcurrency {concurrency}: {window:.3f} of concurrency / mean latency, "
            f"batches with a barrier {batches:.3f}"
        )
    assert window >= 0.95
    assert window > batches
