from __future__ import annotations

from pathlib import Path

import pytest

from kclassify.config import load_settings
from kclassify.evals.suite import load_suite
from kclassify.evals.variants import make_variant
from kclassify.wiring import classifier_of

TAXONOMY = """
name = "ways"
[[category]]
name = "left"
definition = "goes left"
[[category]]
name = "right"
definition = "goes right"
"""
SETTINGS = """
[source]
path = "rows.jsonl"
[classifier]
model = "claude-haiku-4-5"
[cascade]
model = "claude-opus-5"
below = 0.8
"""
SUITE = """
[run]
sample = "s.jsonl"
[[variant]]
name = "alone"
model = "claude-haiku-4-5"
[[variant]]
name = "as configured"
"""


def test_what_is_evaluated_is_the_cascade_that_runs_unless_a_variant_names_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no gate record would ever fit the run."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")
    for name, text in {
        "taxonomy.toml": TAXONOMY,
        "kclassify.toml": SETTINGS,
        "suite.toml": SUITE,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings = load_settings(tmp_path / "kclassify.toml", environment={})
    suite = load_suite(tmp_path / "suite.toml", {})
    alone, configured = (make_variant(each, suite, settings) for each in suite.variants)
    runs = classifier_of(settings, None)
    assert configured.classifier.fingerprint == runs.fingerprint
    assert alone.classifier.fingerprint != runs.fingerprint
    assert configured.timeout_s == 2 * alone.timeout_s
