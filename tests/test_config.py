from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kclassify.config import RunnerSettings, Settings, SourceSettings, load_settings, parse_settings
from kclassify.errors import ConfigError

MINIMAL = '[source]\nurl = "sqlite:///articles.db"\ntable = "articles"\n'


def read(
    folder: Path,
    text: str = MINIMAL,
    environment: dict[str, str] | None = None,
    **arguments: dict[str, Any],
) -> Settings:
    path = folder / "kclassify.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environment=environment or {}, arguments=arguments)


def complaint(folder: Path, text: str = MINIMAL, **rest: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        read(folder, text, **rest)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_defaults_hold_where_nothing_is_given(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.run.name == "default"
    assert settings.runner == RunnerSettings()
    assert settings.source.key == "id"


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = MINIMAL + "[runner]\nmax_concurrency = 2\nmax_items = 2\nmin_confidence = 0.2\n"
    environment = {"KCLASSIFY_RUNNER_MAX_ITEMS": "3", "KCLASSIFY_RUNNER_MIN_CONFIDENCE": "0.3"}
    runner = read(
        tmp_path, text, environment, runner={"min_confidence": 0.4, "max_items": None}
    ).runner
    assert (runner.max_concurrency, runner.max_items, runner.min_confidence) == (2, 3, 0.4)


def test_a_variable_sets_a_key_whose_name_in_python_is_another(tmp_path: Path) -> None:
    settings = read(tmp_path, environment={"KCLASSIFY_SOURCE_SCHEMA": "library"})
    assert settings.source.schema_name == "library"


def test_paths_and_sqlite_files_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, MINIMAL + '[classifier]\nexamples = "gold.jsonl"\n')
    assert settings.taxonomy.file == tmp_path / "taxonomy.toml"
    assert settings.classifier.examples == tmp_path / "gold.jsonl"
    assert settings.source.url == f"sqlite:///{tmp_path}/articles.db"


def test_a_file_in_the_working_folder_keeps_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kclassify.toml").write_text(MINIMAL, encoding="utf-8")
    settings = load_settings(environment={})
    assert settings.source.url == "sqlite:///articles.db"
    assert settings.taxonomy.file == Path("taxonomy.toml")


@pytest.mark.parametrize(
    "url",
    ["sqlite:////srv/articles.db", "postgresql://u@h/n", "sqlite:///:memory:", "sqlite:///~/a.db"],
)
def test_other_urls_stay_as_they_are(tmp_path: Path, url: str) -> None:
    settings = read(tmp_path, MINIMAL.replace("sqlite:///articles.db", url))
    assert settings.source.url == url


def test_a_folder_with_odd_characters_survives_in_a_url(tmp_path: Path) -> None:
    from sqlalchemy import make_url  # noqa: PLC0415

    folder = tmp_path / "50% off? #1"
    folder.mkdir()
    url = read(folder).source.url
    assert url is not None
    assert make_url(url).database == str(folder / "articles.db")


def test_variables_expand_in_texts(tmp_path: Path) -> None:
    text = (
        '[source]\nurl = "postgresql://u:${PASSWORD}@h/n"\ntable = "t"\n[source.filter]\na = "${A}"'
    )
    settings = read(tmp_path, text, {"PASSWORD": "hidden", "A": "b"})
    assert settings.source.url == "postgresql://u:hidden@h/n"
    assert settings.source.filter == {"a": "b"}


def test_an_unset_variable_is_named_with_its_key(tmp_path: Path) -> None:
    said = complaint(tmp_path, MINIMAL.replace("articles.db", "${WHERE}"))
    assert said.endswith("kclassify.toml: [source] url: environment variable WHERE is not set")


def test_secrets_are_in_no_representation(tmp_path: Path) -> None:
    text = '[source]\nurl = "postgresql://u:hidden@h/n"\ntable = "t"\n'
    text += '[ledger]\nurl = "postgresql://u:hidden@h/m"\n'
    assert "hidden" not in repr(read(tmp_path, text))


def test_the_ledger_is_in_its_own_database_else_in_the_sources_else_beside_the_file(
    tmp_path: Path,
) -> None:
    assert read(tmp_path).ledger_url == f"sqlite:///{tmp_path}/articles.db"
    own = read(tmp_path, MINIMAL + '[ledger]\nurl = "sqlite:///own.db"\n')
    assert own.ledger_url == f"sqlite:///{tmp_path}/own.db"
    beside = read(tmp_path, '[source]\npath = "a.jsonl"\n')
    assert beside.ledger_url == f"sqlite:///{tmp_path}/kclassify.db"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[source\n", "not TOML"),
        (MINIMAL + "[sorce]\nurl = 1\n", "[sorce]: unknown key; did you mean 'source'?"),
        (MINIMAL + "colour = 'red'\n", "[source] colour: unknown key; there are url, path, table"),
        (MINIMAL + "titel = 'title'\n", "[source] titel: unknown key; did you mean 'title'?"),
        (MINIMAL + "schema_name = 's'\n", "[source] schema_name: unknown key; did you mean"),
        (MINIMAL + "[folder]\n", "[folder]: unknown key"),
        ("[run]\nname = 'x'\n", "[source]: is missing"),
        ("source = 'x'\n", "[source]: a table is expected"),
        ("runner = 1\n" + MINIMAL, "[runner]: a table is expected"),
        ("[source]\nurl = 'sqlite:///a.db'\n", "[source]: table is missing"),
        ("[source]\nurl = 'a'\npath = 'b'\ntable = 't'\n", "[source]: give either url and table"),
        ("[source]\ntable = 't'\n", "[source]: give either url and table, or path"),
        (MINIMAL + "[run]\nname = ''\n", "[run] name: String should have at least 1 character"),
        (MINIMAL + "[runner]\nmin_confidence = 1.5\n", "[runner] min_confidence: Input should be"),
        (MINIMAL + "[runner]\nmin_confidence = 1.5\n", "less than or equal to 1, not 1.5"),
        (MINIMAL + "[runner]\nmax_items = 0\n", "greater than or equal to 1, not 0"),
        (MINIMAL + "[runner]\nbudget_usd = 0\n", "[runner] budget_usd: Input should be greater"),
        (
            MINIMAL + "[runner.min_confidence_by_category]\nplaybook = 2\n",
            "[runner] min_confidence_by_category: playbook: a confidence lies in [0, 1], not at 2",
        ),
    ],
)
def test_a_fault_in_the_file_is_one_line_that_names_file_table_and_key(
    tmp_path: Path, text: str, said: str
) -> None:
    found = complaint(tmp_path, text)
    assert found.startswith(str(tmp_path / "kclassify.toml"))
    assert said in found


def test_a_fault_in_an_argument_does_not_blame_the_file(tmp_path: Path) -> None:
    found = complaint(tmp_path, runner={"min_confidence": 1.5})
    assert found.startswith("argument min_confidence: ")


def test_a_fault_in_a_variable_names_the_variable(tmp_path: Path) -> None:
    found = complaint(tmp_path, environment={"KCLASSIFY_RUNNER_MAX_CONCURRENCY": "many"})
    assert found.startswith("environment variable KCLASSIFY_RUNNER_MAX_CONCURRENCY: ")


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: no such file; `kclassify init`"):
        load_settings(tmp_path / "missing.toml", environment={})


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "kclassify.toml"
    path.write_bytes(b"[run]\nname = '\xff'\n")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 14"):
        load_settings(path, environment={})


def test_a_folder_in_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings(tmp_path, environment={})


def test_settings_can_be_made_without_a_file() -> None:
    source = SourceSettings(url="sqlite:///articles.db", table="articles")
    assert Settings(source=source).taxonomy.file == Path("taxonomy.toml")
    tables = {"source": {"path": "a.csv"}}
    assert parse_settings(tables, Path("in"), {}, {}).source.path == Path("in/a.csv")


def test_a_misspelt_variable_is_named_and_others_are_left_alone(tmp_path: Path) -> None:
    said = complaint(tmp_path, environment={"KCLASSIFY_RUNNER_MAX_ITEM": "1"})
    assert said == (
        "environment variable KCLASSIFY_RUNNER_MAX_ITEM: unknown key; did you mean 'max_items'?"
    )
    names = ("MODEL", "DATABASE_URL", "REQUIRE_SERVICES", "POSTGRES_URL", "RUNNERS")
    settings = read(tmp_path, environment={f"KCLASSIFY_{name}": "x" for name in names})
    assert settings == read(tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"min_confidence": 2}, "RunnerSettings: min_confidence: Input should be less than"),
        ({"max_item": 2}, "RunnerSettings: max_item: unknown key; did you mean 'max_items'?"),
    ],
)
def test_settings_made_by_hand_complain_in_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        RunnerSettings(**values)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
