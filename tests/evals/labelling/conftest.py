from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from kclassify.evals.labelled import LabelledItem
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.labelling.session import Session
from kclassify.evals.sample_file import write_rows
from tests.evals.labelling.browser import CATEGORIES, LABELS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [
        LabelledItem(
            id=f"kb-{n}", body=f"text {n}", title=f"Title {n}", current="secret", weight=2.0
        )
        for n in range(4)
    ]
    write_rows(tmp_path / "sample.jsonl", rows)
    return tmp_path / "sample.jsonl"


@pytest.fixture
def serve(path: Path) -> Iterator[Callable[..., LabelServer]]:
    running: list[tuple[LabelServer, threading.Thread]] = []

    def start(by: str = "") -> LabelServer:
        server = LabelServer(Session(path, LABELS), CATEGORIES, by=by)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(serve: Callable[..., LabelServer]) -> LabelServer:
    return serve()
