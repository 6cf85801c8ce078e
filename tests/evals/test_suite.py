from __future__ import annotations

from pathlib import Path

import pytest

from kclassify.config import ClassifierSettings
from kclassify.errors import ConfigError
from kclassify.evals.suite import Suite, load_suite

RUN = '[run]\nsample = "s.jsonl"\n'


def suite_of(folder: Path, text: str, **variables: str) -> Suite:
    path = folder / "suite.toml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path, variables)


def test_a_suite_has_defaults_and_its_paths_are_beside_its_file(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, RUN + '[[variant]]\nname = "a"\nprompt = "p.txt"\n')
    assert suite.name == "suite"
    assert suite.run.sample == tmp_path / "s.jsonl"
    assert suite.run.replies == tmp_path / ".cache" / "replies"
    assert (suite.run.repeats, suite.run.seed, suite.run.concurrency) == (1, 0, 10)
    assert suite.variants[0].instructions == tmp_path / "p.txt"
    assert suite.gate.write_precision == 0.90
    assert suite.policy.min_confidence == 0.75
    assert (suite.candidate.name, suite.baseline) == ("a", None)


def test_the_last_variant_is_the_candidate_and_the_first_its_baseline(tmp_path: Path) -> None:
    variants = "".join(f'[[variant]]\nname = "{name}"\n' for name in "abc")
    suite = suite_of(tmp_path, RUN + variants)
    assert suite.baseline is not None
    assert (suite.candidate.name, suite.baseline.name) == ("c", "a")
    suite = suite_of(tmp_path, f'{RUN}candidate = "a"\nbaseline = "b"\n{variants}')
    assert suite.baseline is not None
    assert (suite.candidate.name, suite.baseline.name) == ("a", "b")
    suite = suite_of(tmp_path, f'{RUN}candidate = "a"\n{variants}')
    assert suite.baseline is not None
    assert (suite.candidate.name, suite.baseline.name) == ("a", "b")


def test_a_variant_has_the_settings_it_names_and_else_those_of_the_run(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, RUN + '[[variant]]\nname = "a"\nmax_tokens = 1024\nprompt = "p"\n')
    base = ClassifierSettings(model="claude-x", max_tokens=99, timeout_s=7)
    settings = suite.variants[0].over(base)
    assert settings.model == "claude-x"
    assert settings.timeout_s == 7
    assert settings.max_tokens == 1024
    assert settings.instructions == tmp_path / "p"
    assert set(settings.model_dump()) == set(ClassifierSettings.model_fields)


def test_environment_variables_are_put_in(tmp_path: Path) -> None:
    text = RUN + '[[variant]]\nname = "a"\nmodel = "${PROVIDER}/x"\n'
    assert suite_of(tmp_path, text, PROVIDER="openai").variants[0].model == "openai/x"
    with pytest.raises(ConfigError, match="variable PROVIDER is not set"):
        suite_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "[run]: is missing"),
        ("run = 3", "[run]: a table is expected"),
        (RUN, "[[variant]]: is missing: name at least one"),
        (RUN + "[[variant]]\n", "variant 1: it is empty: give it a name"),
        (RUN + '[variant]\nname = "a"\n', "write [[variant]], one for each"),
        (RUN + '[[variant]]\nmodel = "local"\n', "variant 1: [variant] name: is missing"),
        (
            RUN + '[[variant]]\nname = "a"\n[[variant]]\nname = "b"\npromt = "p"\n',
            "variant 2: [variant] promt: unknown key; did you mean 'prompt'?",
        ),
        (
            RUN + 'sed = 1\n[[variant]]\nname = "a"\n',
            "[run] sed: unknown key; did you mean 'seed'?",
        ),
        (RUN + '[gat]\n[[variant]]\nname = "a"\n', "[gat]: unknown key; did you mean 'gate'?"),
        (RUN + '[gate]\ndelta = 3\n[[variant]]\nname = "a"\n', "[gate] delta: "),
        (RUN + 'repeats = 0\n[[variant]]\nname = "a"\n', "[run] repeats: "),
        (RUN + '[[variant]]\nname = "a"\n[[variant]]\nname = "a"\n', "2 variants are named 'a'"),
        (
            RUN + 'candidate = "c"\n[[variant]]\nname = "a"\n',
            "there is no variant 'c'; there are a",
        ),
        (RUN + 'baseline = "a"\n[[variant]]\nname = "a"\n', "[run] baseline: 'a' is the candidate"),
        ("[run\n", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        suite_of(tmp_path, text)
    assert message in str(caught.value)
    assert str(tmp_path / "suite.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_suite_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; `kclassify eval init` writes one"):
        load_suite(tmp_path / "suite.toml")
