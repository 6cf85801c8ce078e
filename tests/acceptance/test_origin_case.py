"""The case that kclassify grew out of: one category that is too attractive, found before the run.

The confusion model, documented here: under a loose definition of `playbook` every fourth essay and
every fourth principle is called one; under the tightened definition one in two hundred is. All else
is answered right. Wrong answers are as confident as many right ones are (0.80 to 0.97 beside 0.80
to 1.00), so that no threshold saves a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from kclassify.testing import ByInstructions, ConfusionModel, StubMessagesAPI
from tests.cli.place import ARTICLES, Place

LOOSE = "anything that tells people how to go about something"
TIGHT = "a concrete, ordered procedure that somebody could carry out now"
TAXONOMY = """
name = "knowledge"

[[category]]
name = "playbook"
definition = "{playbook}"

[[category]]
name = "essay"
definition = "a train of thought"

[[category]]
name = "principle"
definition = "a rule that holds in many places"

[[category]]
name = "pattern"
definition = "the shape of a solution"

[[category]]
name = "convention"
retired = true
"""
SETTINGS = """
[run]
name = "{run}"

[source]
url = "sqlite:///articles.db"
table = "articles"
current = "category"

[gate]
record = "evals/gate.json"
"""
SUITE = """
[run]
sample = "sample.jsonl"

[[variant]]
name = "{name}"
"""
COUNTS = {"essay": 500, "principle": 400, "pattern": 300, "playbook": 300}
STALE = 200
"""So many playbooks still carry the old label."""


def articles() -> list[tuple[int, str, str, str]]:
    """Key, text, label now, true label."""
    golds = [gold for gold, count in COUNTS.items() for _ in range(count)]
    stale = golds.index("playbook") + STALE
    rows: list[tuple[int, str, str, str]] = []
    for key, gold in enumerate(golds):
        is_stale = gold == "playbook" and key < stale
        rows.append((key, f"article {key}", "convention" if is_stale else gold, gold))
    return rows


GOLD = {body: gold for _, body, _, gold in articles()}


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The corpus in a table, and the model that obeys the confusion model."""
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, "sqlite:///articles.db")
    engine = create_engine("sqlite:///articles.db")
    with engine.begin() as connection:
        ARTICLES.create(connection)
        values = [{"id": k, "body": body, "category": now} for k, body, now, _ in articles()]
        connection.execute(ARTICLES.insert(), values)
    engine.dispose()
    pull = {"playbook": 0.25}
    slight = {"playbook": 0.005}
    wrong = (0.80, 0.97)
    loose = ConfusionModel(gold=GOLD, mistakes={"essay": pull, "principle": pull}, wrong=wrong)
    tight = ConfusionModel(gold=GOLD, mistakes={"essay": slight, "principle": slight}, wrong=wrong)
    with StubMessagesAPI(ByInstructions([(LOOSE, loose)], tight), keep=0) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        yield place


def set_up(place: Place, name: str, definition: str) -> None:
    place.write("taxonomy.toml", TAXONOMY.format(playbook=definition))
    place.write("kclassify.toml", SETTINGS.format(run=name))
    (place.folder / "evals").mkdir(exist_ok=True)
    place.write("evals/suite.toml", SUITE.format(name=name))


def label(path: Path) -> int:
    """What two editors who know the articles would write into the sample."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row |= {"gold": GOLD[row["body"]], "gold_by": ["ana", "bo"], "gold_status": "agreed"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


@pytest.mark.slow
def test_fifteen_labels_veto_the_loose_taxonomy_and_the_tightened_one_passes(
    origin: Place,
) -> None:
    sample = origin.folder / "evals" / "sample.jsonl"

    set_up(origin, "loose", LOOSE)
    assert origin.run("dry-run", "--quiet").status == 0
    drawn = origin.run("sample", "--frame", "writes", "--size", "15")
    assert drawn.status == 0, drawn.err
    assert label(sample) == 15
    looked = origin.run("eval", "evals/suite.toml", "--report", "evals/report")
    assert looked.status == 1, looked.out + looked.err
    sentence = looked.out.splitlines()[0]
    assert "must not write" in sentence
    assert "labelled rows that would move to 'playbook' do not belong there" in sentence
    gate = json.loads((origin.folder / "evals" / "gate.json").read_text())
    flows = [check for check in gate["checks"] if check["name"] == "flow"]
    assert [check["category"] for check in flows] == ["playbook"]
    page = (origin.folder / "evals" / "report" / "report.html").read_text()
    assert "do not belong there" in page
    refused = origin.run("commit", "--quiet")
    assert refused.status == 2
    assert "must not write" in refused.err
    assert set(origin.labels().values()) == {*COUNTS, "convention"}

    set_up(origin, "tight", TIGHT)
    refused = origin.run("commit", "--quiet")
    assert refused.status == 2
    assert origin.run("dry-run", "--quiet").status == 0
    drawn = origin.run("sample", "--frame", "writes", "--size", "120", "--force")
    assert drawn.status == 0, drawn.err
    assert label(sample) == 120
    looked = origin.run("eval", "evals/suite.toml", "--report", "evals/report")
    assert looked.status == 0, looked.out + looked.err
    assert "may write" in looked.out.splitlines()[0]
    written = origin.run("commit", "--quiet", "--json")
    assert written.status == 0, written.err
    assert written.json["calls"] == 0
    after = origin.labels()
    right = sum(after[key] == gold for key, _, _, gold in articles())
    assert right >= len(after) - 10
