"""Telemetry of whole runs: by itself where OpenTelemetry is in use, silent where it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kclassify import Done, OutcomeKind
from kclassify.testing import Rule, StubMessagesAPI
from tests.cli.place import Place, rows, rule
from tests.runner.world import World, failing
from tests.telemetry.heard import Heard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-ant-made-up-and-secret"
COMMAND = """
import json, sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
from kclassify.cli import main
sys.argv = ["kclassify", "dry-run", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
print(json.dumps({"spans": spans, "metrics": json.loads(reader.get_metrics_data().to_json())}),
    file=sys.stderr)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, f"sqlite:///{tmp_path}/articles.db")
    place.settle(rows(6), '\n[classifier]\nmodel = "anthropic/claude-haiku-4-5"\n')
    with StubMessagesAPI(Rule(rule)) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield place


@pytest.mark.nightly
def test_the_command_tells_an_sdk_that_is_there_of_its_calls_and_of_no_text(place: Place) -> None:
    command = [sys.executable, "-c", COMMAND]
    ended = subprocess.run(command, cwd=place.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told = ended.stderr.splitlines()[-1]
    spans = json.loads(told)["spans"]
    (step,) = (span for span in spans if span["name"] == "kclassify dry_run")
    calls = [span for span in spans if span["name"] == "chat claude-haiku-4-5"]
    assert len(calls) == 6
    of_the_library = [span for span in spans if span["name"] == "anthropic.messages.create"]
    assert {span["parent_id"] for span in calls + of_the_library} == {step["context"]["span_id"]}
    assert step["attributes"]["kclassify.decision"] == "done"
    assert "kclassify.items" in told
    assert not [
        text for text in ("article", "playbook", KEY) if text in told.replace("articles", "")
    ]


def test_a_command_without_opentelemetry_in_use_does_not_load_it(tmp_path: Path) -> None:
    program = (
        "import sys, kclassify.wiring; assert not [m for m in sys.modules "
        "if m.startswith(('opentelemetry', 'kclassify.telemetry'))], sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from kclassify.errors import MissingExtra\n"
        "try:\n    import kclassify.telemetry\n"
        "except MissingExtra as missing:\n    print(missing)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "pip install 'kclassify[otel]'" in ended.stdout


async def test_a_run_is_told_as_it_was() -> None:
    heard = Heard()
    world = World(script=lambda item: failing(OutcomeKind.REFUSED) if item.key == 3 else "left")
    world.events = Told(heard)  # type: ignore[assignment]
    assert await world.runner().dry_run() == Done()
    assert heard.values("kclassify.items", "kclassify.outcome") == {"judged": 19, "refused": 1}
    calls = [span for span in heard.spans if span.name.startswith("chat")]
    assert len(calls) == 20
    assert "text of row" not in "".join(span.to_json() for span in heard.spans)
    assert await world.runner().commit(override="test") == Done()
    assert heard.total("kclassify.recalled") == 20


class Told:
    """In place of a list of events."""

    def __init__(self, heard: Heard) -> None:
        self.append = heard.telemetry
