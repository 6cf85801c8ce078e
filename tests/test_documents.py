from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine

from kclassify.testing import ItemText, Rule, StubMessagesAPI
from tests.cli.place import ARTICLES, Place
from tests.conftest import REPOSITORY
from tests.documents import MARKER, Block, Workshop, anchors, blocks, links, read
from tests.evaluated_corpus import GOLD, MODEL, write_table

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
EXAMPLES_OF_TESTS = sorted((REPOSITORY / "examples").glob("test_*.py"))
EXAMPLES = sorted({*(REPOSITORY / "examples").glob("*.py")} - {*EXAMPLES_OF_TESTS})
STEPS = "1. Announce it. 2. Do it on one machine. 3. Do it on the others."
# Title, body, current label, and what the stub says of it.
CORPUS = (
    ("Rotate the signing key", STEPS, "convention", ("playbook", 0.97)),
    ("Restore a table from a snapshot", STEPS, "convention", ("playbook", 0.95)),
    ("Drain a node before maintenance", STEPS, "convention", ("playbook", 0.93)),
    ("Claim check", "Large payloads go elsewhere.", "convention", ("pattern", 0.94)),
    ("Outbox", "Events are written beside the rows.", "convention", ("pattern", 0.91)),
    ("Be careful with retries", "They multiply load.", "convention", ("pattern", 0.55)),
    ("Ask before you page", "People sleep at night.", "convention", ("playbook", 0.52)),
    ("Managed queue", "We chose it over our own.", "decision", ("decision", 0.96)),
    ("Monthly releases", "We chose them over weekly ones.", "decision", ("decision", 0.92)),
    ("Blue and green", "Two stages take turns.", "decision", ("pattern", 0.90)),
    ("Rename a service", STEPS, None, ("playbook", 0.94)),
    ("To be written", "", "convention", ("pattern", 0.99)),
    ("Also to be written", "", "convention", ("pattern", 0.99)),
)
TAXONOMY = """
name = "articles"
category = [
    {name = "playbook", definition = "a concrete, ordered procedure to accomplish a task"},
    {name = "pattern", definition = "a reusable shape of a solution"},
    {name = "decision", definition = "a choice that was made, with its reasons"},
    {name = "convention", retired = true},
]
"""
SETTINGS = """
[source]
url = "sqlite:///articles.db"
table = "articles"
title = "title"
current = "category"
"""


def write_repository(place: Place) -> None:
    """What a workflow finds: a prompt, and a labelled sample with a holdout."""
    (place.folder / "evals").mkdir()
    place.write("evals/prompt-new.txt", "Choose the category that fits best.")
    texts = [" ".join(re.findall("....", sha256(bytes([n])).hexdigest())) for n in range(120)]
    lines = [
        {"body": texts[n], "current": "convention", "gold": "playbook"}
        | {"split": "dev" if n % 2 else "holdout", "id": f"kb-{n}"}
        for n in range(120)
    ]
    place.write("evals/sample.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def said(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
    body = text.partition("\n\n")[2]
    if body in GOLD:
        return MODEL.answer(ItemText(None, body), labels)
    known = {title: answer for title, _, _, answer in CORPUS}
    return known.get(text.partition("\n")[0], (labels[0], 0.97))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "KCLASSIFY_", "OPENAI_")):
            monkeypatch.delenv(name)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A folder with a table of articles, settings and a taxonomy, and a Messages API."""
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, f"sqlite:///{tmp_path}/articles.db")
    engine = create_engine(place.url)
    with engine.begin() as connection:
        ARTICLES.create(connection)
        values = [{"title": t, "body": b, "category": label} for t, b, label, _ in CORPUS]
        connection.execute(ARTICLES.insert(), values)
    engine.dispose()
    with StubMessagesAPI(Rule(said)) as stub:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stub.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")
        yield Workshop(place, monkeypatch)


@pytest.mark.timeout(300)  # a page may run whole test suites
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_a_document_does_what_it_shows(document: Path, workshop: Workshop) -> None:
    text = read(document)
    if "$ kclassify init" not in text:
        workshop.place.write("kclassify.toml", SETTINGS)
        workshop.place.write("taxonomy.toml", TAXONOMY)
    if "$ kclassify sample" in text and document.name == "evaluation.md":
        write_table(workshop.place)
        workshop.place.write("kclassify.toml", f"{SETTINGS}\n[gate]\nrecord = 'evals/gate.json'\n")
        (workshop.place.folder / "evals").mkdir()
        workshop.place.write("evals/terse.txt", "Choose the category.")
    if "```yaml" in text:
        write_repository(workshop.place)
    workshop.carry_out_all(blocks(document.name, text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    for link in links(read(document)):
        name, _, anchor = link.partition("#")
        if "://" in name:
            continue
        target = (document.parent / name) if name else document
        assert target.exists(), f"{document.name}: {link}"
        assert not anchor or anchor in anchors(read(target)), f"{document.name}: {link}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    tests = "\n".join(read(path) for path in (REPOSITORY / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", read(document)):
        assert f"def {name}(" in tests, f"{document.name}: {name}"


@pytest.mark.parametrize(
    ("language", "text", "above", "complaint"),
    [
        ("python", "raise ValueError('planted')", "", "planted"),
        ("python", "# test_it.py\ndef test_it():\n    assert False", "", "1 failed"),
        ("toml", "[runner]\nmax_concurency = 3", "", "max_concurency"),
        ("toml", "# taxonomy.toml\nname = 'alone'", "", "two active categories"),
        ("console", "$ kclassify status --run nobody\n...\n", "", "ended with 2"),
        ("console", "$ kclassify --version\nkclassify 0.0\n", "", "it prints"),
        ("console", "$ rm -rf everything", "", "cannot run rm"),
        ("sh", "make demo", "Two commands:", "unmarked"),
        ("sh", "make clean", MARKER, "not to be left out"),
        ("yaml", "a: b", "", "no workflow"),
        ("yaml", "jobs: {a: {steps: [{run: kclassify status}]}}", "", "no run named"),
    ],
)
def test_a_block_that_is_wrong_is_found(
    language: str, text: str, above: str, complaint: str, workshop: Workshop
) -> None:
    workshop.place.write("kclassify.toml", SETTINGS)
    with pytest.raises((Exception, pytest.fail.Exception), match=complaint):
        workshop.carry_out_all([Block("planted.md", 1, language, text, above)])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_runs_offline_and_cleans_up(
    example: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    arguments: list[str] = []
    text = read(example)
    if "redis://" in text:
        request.getfixturevalue("redis_url")
    if "from celery" in text and redis.VERSION < (6, 1):
        pytest.skip("Celery on Redis wants redis-py 6.1, and arq has none that new")
    if "postgresql://" in text:
        arguments = [request.getfixturevalue("postgres_url")]
    command = [sys.executable, "-W", "error", str(example), *arguments]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("example", EXAMPLES_OF_TESTS, ids=lambda path: path.name)
def test_every_example_of_a_test_passes(example: Path, tmp_path: Path) -> None:
    options = ("-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null")
    command = [sys.executable, *options, "--basetemp", str(tmp_path / "own"), str(example)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_picture_shows_what_the_demo_prints(workshop: Workshop) -> None:
    pytest.importorskip("sklearn", reason="the extra `local` is not installed")
    drawn = read(REPOSITORY / "docs" / "images" / "demo.svg")
    lines = re.findall(r'<text class="demo-r\d+"[^>]*>(.*?)</text>', drawn, re.DOTALL)
    printed = workshop.place.run("demo").out
    picture = _told(html.unescape(" ".join(lines)))
    assert _told(printed) == picture, "draw it anew: python docs/screenshot.py"


def _told(text: str) -> str:
    """The text without what differs from run to run: the folder, seconds and the layout."""
    words = re.sub(r"\S*kclassify-demo-\S+", "FOLDER", text)
    return "".join(re.sub(r"\d+\.\d s\b", "SECONDS", " ".join(words.split())).split())
