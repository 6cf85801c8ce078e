"""One run of one tool in one scenario: with its own server, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.peers.figures import Figures
from benchmarks.peers.serving import Served, serve
from benchmarks.peers.task import KEY, made_texts
from benchmarks.peers.tools import REPOSITORY, Tool

if TYPE_CHECKING:
    from benchmarks.peers.scenarios import Scenario

SEED = 7
_LIMIT_S = 240
_TOLD = 200


def run(tool: Tool, version: str, scenario: Scenario, concurrency: int) -> Figures:
    """What the tool took; the figures are None, with a note, when it did not come to an end."""
    with TemporaryDirectory() as name, serve(scenario) as served:
        folder = Path(name)
        command = _command(tool, folder, scenario, served.url, concurrency)
        try:
            ended = subprocess.run(  # noqa: S603
                command,
                cwd=folder,
                env=_environment(folder, served.url),
                capture_output=True,
                text=True,
                check=False,
                timeout=_LIMIT_S,
            )
        except subprocess.TimeoutExpired:
            note = f"did not come to an end within {_LIMIT_S} s"
            return Figures(tool=tool.name, version=version, note=note)
        if ended.returncode != 0:
            note = f"does not run: {_last_line(ended.stderr)}"
            return Figures(tool=tool.name, version=version, note=note)
        return _figures(tool, version, scenario, json.loads(_last_line(ended.stdout)), served)


def _command(tool: Tool, folder: Path, scenario: Scenario, url: str, concurrency: int) -> list[str]:
    texts = folder / "texts.jsonl"
    lines = [json.dumps(record) for record in made_texts(scenario.items, seed=SEED)]
    texts.write_text("\n".join(lines), encoding="utf-8")
    where = ["--texts", str(texts), "--base-url", url, "--concurrency", str(concurrency)]
    return [str(tool.interpreter), "-m", tool.module, *where]


def _environment(folder: Path, url: str) -> dict[str, str]:
    """Nothing of the caller's own: no key, no proxy, no cache of an earlier run, no telemetry."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_BASE": url,
        "CURATOR_CACHE_DIR": str(folder / "curator"),
        "DSPY_CACHEDIR": str(folder / "dspy"),
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "TELEMETRY_ENABLED": "False",
    }


def _figures(
    tool: Tool, version: str, scenario: Scenario, measured: dict[str, Any], served: Served
) -> Figures:
    labelled, seconds = measured["labelled"], measured["seconds"]
    return Figures(
        tool=tool.name,
        version=version,
        items_per_second=labelled / seconds,
        processor_s=measured["processor_s"] * 1000 / scenario.items,
        peak_mb=measured["peak_mb"],
        lost=scenario.items - labelled,
        asked_again=served.answered_again(),
        seconds=seconds,
    )


def _last_line(output: str) -> str:
    return (output.strip().splitlines() or [""])[-1][-_TOLD:]
