from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.testing import StubMessagesAPI
from tests.cli.place import ARTICLES, TAXONOMY, Place, rows


def fill(place: Place, *statements: str) -> None:
    engine = create_engine(place.url)
    with engine.begin() as connection:
        ARTICLES.create(connection)
        values = [{"id": i, "body": body, "category": label} for i, body, label in rows(4)]
        connection.execute(ARTICLES.insert(), [*values, {"id": 9, "body": "x", "category": None}])
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def read(path: Path | str) -> dict[str, object]:
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))


def test_a_database_gets_settings_and_a_taxonomy_to_fill_in(any_place: Place) -> None:
    fill(any_place)
    ended = any_place.run("init", any_place.url, "--json")
    assert ended.status == 0
    assert ended.json["labels"] == {"convention": 4}
    assert ended.json["unlabelled"] == 1
    assert ended.json["items"] == 5
    assert read("kclassify.toml")["source"] == {
        "url": any_place.url,
        "table": "articles",
        "key": "id",
        "title": "title",
        "body": "body",
        "current": "category",
    }
    assert read("taxonomy.toml")["category"] == [{"name": "convention", "definition": ""}]
    assert read("kclassify.toml")["gate"] == {"record": "evals/gate.json"}


def test_what_init_writes_runs_once_the_definitions_are_there(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    fill(any_place)
    any_place.run("init", any_place.url)
    before = any_place.run("dry-run")
    assert before.status == 2
    assert "'convention': it needs a definition" in before.err
    any_place.write("taxonomy.toml", TAXONOMY)
    assert any_place.run("dry-run").status == 0
    assert stub.count == 5


def test_all_definitions_that_are_missing_are_named_at_once(place: Place) -> None:
    fill(place, "UPDATE articles SET category = 'memo' WHERE id = 1")
    place.run("init", place.url)
    ended = place.run("dry-run")
    assert ended.status == 2
    assert "2 categories still need a definition: 'convention', 'memo'" in ended.err


def test_it_says_what_it_guessed(place: Place) -> None:
    fill(place)
    ended = place.run("init", place.url, "--current", "category")
    assert "  body     body (guessed)" in ended.out
    assert "  current  category (as asked)" in ended.out
    assert "write 1 definition into taxonomy.toml" in ended.out


@pytest.mark.parametrize("there", ["kclassify.toml", "taxonomy.toml"])
def test_nothing_is_overwritten_unless_forced(place: Place, there: str) -> None:
    fill(place)
    place.write(there, "mine")
    ended = place.run("init", place.url)
    assert (ended.status, ended.out) == (2, "")
    assert f"{there} is there already: --force" in ended.err
    assert (place.folder / there).read_text(encoding="utf-8") == "mine"
    assert len(list(place.folder.glob("*.toml"))) == 1
    assert place.run("init", place.url, "--force").status == 0


def test_two_tables_that_could_be_meant_are_named(place: Place) -> None:
    fill(place, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, label TEXT)")
    ended = place.run("init", place.url)
    assert ended.status == 2
    assert "more than one table could be meant: name one with --table" in ended.err
    assert "articles, notes" in ended.err
    assert place.run("init", place.url, "--table", "notes").status == 0
    assert "'none'" in place.run("init", place.url, "--table", "none", "--force").err


def test_a_column_that_cannot_be_guessed_is_asked_for(place: Place) -> None:
    fill(place, "CREATE TABLE notes (nr INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT)")
    ended = place.run("init", place.url, "--table", "notes")
    assert ended.status == 2
    assert "name it with --body; it has: nr, a, b, c" in ended.err
    done = place.run("init", place.url, "--table", "notes", "--body", "b", "--current", "c")
    assert done.status == 0
    assert "key      nr (guessed)" in done.out


def test_a_composite_key_is_no_key(place: Place) -> None:
    fill(
        place,
        "CREATE TABLE notes (a INTEGER, b INTEGER, body TEXT, label TEXT, PRIMARY KEY (a, b))",
    )
    ended = place.run("init", place.url, "--table", "notes")
    assert ended.status == 2
    assert "--key" in ended.err


def test_a_ledger_in_the_database_is_no_corpus(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    place.run("dry-run")
    assert place.run("init", place.url, "--force").status == 0


def test_an_existing_taxonomy_is_used_and_what_it_lacks_is_named(place: Place) -> None:
    fill(place, "UPDATE articles SET category = 'memo' WHERE id = 1")
    own = place.folder / "own"
    own.mkdir()
    place.write("own/topics.toml", TAXONOMY)
    ended = place.run("init", place.url, "--taxonomy", "own/topics.toml")
    assert ended.status == 0
    assert "The taxonomy does not know 'memo': add them with `retired = true`." in ended.out
    assert read("kclassify.toml")["taxonomy"] == {"file": "own/topics.toml"}
    assert not (place.folder / "taxonomy.toml").exists()


def test_settings_in_another_folder_name_paths_from_there(place: Place) -> None:
    (place.folder / "deep").mkdir()
    place.write("a.jsonl", json.dumps({"id": 1, "body": "x", "label": "memo"}) + "\n")
    assert place.run("init", "a.jsonl", "--config", "deep/kclassify.toml").status == 0
    source = read("deep/kclassify.toml")["source"]
    assert source == {"path": "../a.jsonl", "key": "id", "body": "body", "current": "label"}
    assert (place.folder / "deep" / "taxonomy.toml").exists()


def test_a_password_stays_out_of_the_file(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = make_url(postgres_url).set(password="hunter2").render_as_string(hide_password=False)
    place = Place(tmp_path, url)
    fill(place)
    ended = place.run("init", url)
    assert ended.status == 0
    assert "hunter2" not in ended.out + (tmp_path / "kclassify.toml").read_text(encoding="utf-8")
    assert "export KCLASSIFY_DATABASE_URL" in ended.out
    assert 'url = "${KCLASSIFY_DATABASE_URL}"' in (tmp_path / "kclassify.toml").read_text(
        encoding="utf-8"
    )


def test_a_variable_in_the_url_stays_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place)
    monkeypatch.setenv("FOLDER", str(place.folder))
    assert place.run("init", "sqlite:///${FOLDER}/articles.db").status == 0
    assert 'url = "sqlite:///${FOLDER}/articles.db"' in Path("kclassify.toml").read_text("utf-8")


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_runs_to_a_new_file(place: Place, stub: StubMessagesAPI, ending: str) -> None:
    lines = {
        "jsonl": ['{"id": "a", "body": "a playbook", "label": "convention"}'],
        "csv": ["id,body,label", "a,a playbook,convention"],
    }[ending]
    place.write(f"notes.{ending}", "\n".join(lines) + "\n")
    place.write("topics.toml", TAXONOMY)
    assert place.run("init", f"notes.{ending}", "--taxonomy", "topics.toml").status == 0
    assert place.run("commit", "--override", "a test").status == 0
    written = (place.folder / f"notes.relabelled.{ending}").read_text(encoding="utf-8")
    assert "playbook" in written.replace("a playbook", "")
    assert (place.folder / "kclassify.db").exists()
    assert place.run("rollback").status == 0
    restored = (place.folder / f"notes.relabelled.{ending}").read_bytes()
    assert restored == (place.folder / f"notes.{ending}").read_bytes()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.jsonl", "missing.jsonl"),
        ("articles.db", "sqlite:///articles.db"),
        ("mysql://h/n", "no database that can be used"),
        ("sqlite:///missing.db", "there is no file"),
    ],
)
def test_a_place_that_cannot_be_looked_into_is_one_line(place: Place, name: str, said: str) -> None:
    fill(place)
    ended = place.run("init", name)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


ODD = ("", "  ", " lead", "trail\t", "two\nlines", "a\x7f\u200bb", 'q"\\ ')


def test_labels_that_cannot_be_chosen_are_retired_and_written_exactly(place: Place) -> None:
    fill(place, "UPDATE articles SET category = 'playbook' WHERE id = 9")
    engine = create_engine(place.url)
    with engine.begin() as connection:
        values = [{"id": 20 + i, "body": "x", "category": odd} for i, odd in enumerate(ODD)]
        connection.execute(ARTICLES.insert(), values)
    engine.dispose()
    ended = place.run("init", place.url)
    assert "' lead' 1" in ended.out
    assert '"trail\\t" 1' in ended.out
    assert "write 2 definitions into taxonomy.toml, then run `kclassify estimate`" in ended.out
    written = Path("taxonomy.toml").read_text(encoding="utf-8")
    assert {e["name"] for e in tomllib.loads(written)["category"] if e.get("retired")} == set(ODD)
    place.write("taxonomy.toml", written.replace('definition = ""', 'definition = "told"'))
    assert read_taxonomy(Path("taxonomy.toml")).known == {"convention", "playbook", *ODD}


def test_labels_that_a_taxonomy_lacks_can_be_copied_into_it(place: Place) -> None:
    fill(place, "UPDATE articles SET category = ' memo' || char(9) WHERE id = 1")
    place.write("topics.toml", TAXONOMY)
    ended = place.run("init", place.url, "--taxonomy", "topics.toml")
    assert 'does not know " memo\\t": add' in ended.out


@pytest.mark.parametrize("options", [[], ["--key", "a"]])
def test_a_composite_key_is_spoken_of(place: Place, options: list[str]) -> None:
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE n (a INTEGER, b INTEGER, body TEXT, label TEXT, PRIMARY KEY (a, b))")
        )
    engine.dispose()
    ended = place.run("init", place.url, *options)
    assert ended.status == 2
    assert "n: its primary key is composite (a, b)" in ended.err
