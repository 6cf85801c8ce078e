"""`python -m evals`, as somebody with a checkout and no key would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

EVALS = REPOSITORY / "evals"
LONGEST_S = 60
KEYS = ("ANTHROPIC_", "OPENAI_", "KCLASSIFY_", "HTTP", "http")
OFFLINE = """
import runpy, socket, sys

def refuse(*arguments, **settings):
    raise AssertionError("an evaluation of the shipped suite asks nobody")

socket.socket.connect = refuse
sys.argv[0] = "evals"
runpy.run_module("evals", run_name="__main__", alter_sys=True)
"""


def evaluate(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(KEYS)}
    gate = ["--gate", str(tmp_path / "gate.json")]
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", OFFLINE, *gate, *options],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_parts_of_the_suite_are_those_of_the_corpus_and_share_no_article() -> None:
    seen: Counter[str] = Counter()
    parts: dict[str, list[dict[str, Any]]] = {"few": [], "examples": [], "sample": []}
    for article in lines(EVALS / "samples" / "articles.jsonl"):
        place = seen[article["gold"]] % 5
        seen[article["gold"]] += 1
        learned = {key: article[key] for key in ("id", "title", "body", "gold")}
        parts["few"] += [learned] if place == 0 else []
        parts["examples" if place < 3 else "sample"].append(learned if place < 3 else article)
    for name, expected in parts.items():
        assert lines(EVALS / "suites" / "shipped" / f"{name}.jsonl") == expected
    learned_ids = {row["id"] for row in [*parts["few"], *parts["examples"]]}
    assert not learned_ids & {row["id"] for row in parts["sample"]}


@pytest.mark.slow
def test_it_runs_offline_well_under_a_minute_and_finds_what_it_found_before(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = evaluate(tmp_path, "--json")
    assert time.monotonic() - began < LONGEST_S
    assert ended.returncode == 1, ended.stderr
    found = json.loads(ended.stdout)
    recorded = json.loads((EVALS / "baselines" / "shipped.json").read_text())
    assert found["gate"]["verdict"] == recorded["verdict"]
    assert found["sample"]["scored"] == recorded["scored"]
    scored = [*found["variants"], *found["baselines"]]
    accuracy = {each["name"]: each["scores"]["accuracy"]["estimate"] for each in scored}
    assert accuracy == pytest.approx(recorded["accuracy"], abs=0.03)
    assert json.loads((tmp_path / "gate.json").read_text()) == found["gate"]


@pytest.mark.slow
def test_it_says_the_verdict_first_and_what_to_do_next_last(tmp_path: Path) -> None:
    ended = evaluate(tmp_path)
    said = ended.stdout.splitlines()
    assert said[0].startswith("Fail: ")
    assert said[-1].startswith("Next: look at what is wrong")
    assert "kclassify: all examples: 112 of 112 answers, 112 calls" in ended.stderr.splitlines()
