"""Reports in which every text is hostile: the page, the comment, JUnit, JSON and the label page."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from enum import Enum
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from pydantic import BaseModel

from kclassify.core.taxonomy import Category
from kclassify.evals.labelled import LabelledItem
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.labelling.session import Session
from kclassify.evals.sample_file import write_rows
from kclassify.report.json_text import render_json
from kclassify.report.junit import render_junit
from kclassify.report.markdown import render_markdown
from kclassify.report.page import render_page
from kclassify.testing.hostile import HOSTILE_TEXTS
from tests.report import evaluations
from tests.report.browser import opened, program
from tests.report.reading import seen
from tests.report.test_markdown import OURS as OURS_IN_MARKDOWN
from tests.report.test_page import OURS as OURS_IN_PAGES

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.core.evaluation import Evaluation

TEXTS = [each.text for each in HOSTILE_TEXTS if each.kind != "size"]
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
INVISIBLE = {chr(code) for code in [*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0), 0x202E]}


class Poison:
    """Puts a hostile text in the place of every text, the same for the same one."""

    def __init__(self, start: int) -> None:
        self._next = start
        self._known: dict[str, str] = {}

    def put(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return self._text(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            named = {f.name: self.put(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return dataclasses.replace(value, **named)
        if isinstance(value, BaseModel):
            fields = type(value).model_fields
            return value.model_copy(update={n: self.put(getattr(value, n)) for n in fields})
        if isinstance(value, dict):
            return {self.put(key): self.put(each) for key, each in value.items()}
        return tuple(map(self.put, value)) if isinstance(value, tuple) else value

    def _text(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = f"{TEXTS[self._next % len(TEXTS)]} {len(self._known)}"
            self._next += 1
        return self._known[text]


def poisoned(start: int) -> Evaluation:
    made: Evaluation = Poison(start).put(evaluations.failed())
    return made


@pytest.fixture(scope="module", params=range(0, len(TEXTS), 40))
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return poisoned(request.param)


def test_the_poison_is_in_every_text_and_covers_the_corpus() -> None:
    found = render_json(poisoned(0))
    assert "playbook alarm" not in found
    assert sum(json.dumps(text)[1:-1] in found for text in TEXTS) > 40


def test_a_page_has_our_elements_only_and_no_handler_or_address(evaluation: Evaluation) -> None:
    page = render_page(evaluation)
    found = seen(page)
    assert set(found.tags) <= OURS_IN_PAGES
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not [value for _, value in found.attributes if value and "//" in value]
    assert all(value == "data:," or value.startswith("#") for value in found.values("href"))
    assert not INVISIBLE & set(page)
    page.encode("utf-8")


def test_a_comment_has_our_markup_only(evaluation: Evaluation) -> None:
    text = render_markdown(evaluation)
    found = seen(RENDERER.render(text))
    assert set(found.tags) <= OURS_IN_MARKDOWN
    assert not found.attributes
    assert not INVISIBLE & set(text)
    text.encode("utf-8")


def test_junit_is_xml_that_any_reader_takes(evaluation: Evaluation) -> None:
    text = render_junit(evaluation)
    root = ET.fromstring(text)  # noqa: S314 - our own report
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "system-out"),
    }
    assert JUnitXml.fromstring(text.encode())
    assert not INVISIBLE & set(text)


def test_json_is_ascii_and_says_the_texts_as_they_are(evaluation: Evaluation) -> None:
    text = render_json(evaluation)
    assert text.isascii()
    assert json.loads(text)["suite"] == evaluation.suite


@pytest.fixture
def server(tmp_path: Path) -> Any:
    rows = [
        LabelledItem(id=f"r{place}", title=text, body=text)
        for place, text in enumerate(each.encode("utf-8", "replace").decode() for each in TEXTS)
    ]
    write_rows(tmp_path / "sample.jsonl", rows)
    categories = [
        Category(name=name, definition=text, choose_when=(text,), examples=(text,))
        for name, text in (("<img src=x onerror=alert(1)>", TEXTS[-20]), ("a\"'", TEXTS[60]))
    ]
    session = Session(tmp_path / "sample.jsonl", [each.name for each in categories])
    with LabelServer(session, categories, by="<b>ann</b>") as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_label_page_is_given_texts_as_data_under_a_policy_that_forbids_scripts_of_others(
    server: LabelServer,
) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for place, text in list(enumerate(TEXTS))[::7]:
        headers = {"X-Token": server.token, "X-Annotator": "ann"}
        connection.request("GET", f"/api/item?id=r{place}", headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert content.isascii()
        assert json.loads(content)["body"] == text.encode("utf-8", "replace").decode()
    connection.close()


async def looked_at(folder: Path, address: str, then: str) -> tuple[Any, list[str], list[str]]:
    async with opened(folder) as tab:
        await tab.load(address, width=900)
        found = await tab.value(then)
        return found, tab.requested, tab.complaints


WHAT_IS_THERE = """
({title: document.title,
  foreign: document.querySelectorAll(
    "script:not([src='/page.js']), iframe, img, form[action], a[href^=http]").length,
  handlers: [...document.querySelectorAll("*")].filter(each =>
    [...each.attributes].some(one => one.name.startsWith("on"))).length})
"""
LABELLED = """
(async () => {
  const wait = () => new Promise(done => setTimeout(done, 8));
  document.getElementById("name").value = "ann";
  document.getElementById("hello").requestSubmit();
  const seen = [];
  for (let row = 0; row < 300 && document.getElementById("done").hidden; row++) {
    await wait();
    seen.push(document.getElementById("body").textContent);
    document.getElementById("skip").click();
    await wait();
  }
  return {seen: new Set(seen).size, ...WHAT};
})()
""".replace("WHAT", WHAT_IS_THERE.strip())


@pytest.mark.slow
@pytest.mark.skipif(program() is None, reason="there is no Chromium")
def test_in_a_browser_no_text_runs_or_fetches_anything(tmp_path: Path) -> None:
    for start in range(0, len(TEXTS), 80):
        page = tmp_path / "report.html"
        page.write_text(render_page(poisoned(start)), encoding="utf-8")
        looked = asyncio.run(looked_at(tmp_path / f"{start}", page.as_uri(), WHAT_IS_THERE))
        found, requested, complaints = looked
        assert found["title"].startswith("Fail")
        assert (found["foreign"], found["handlers"]) == (0, 0)
        assert (requested, complaints) == ([page.as_uri()], [])


@pytest.mark.slow
@pytest.mark.skipif(program() is None, reason="there is no Chromium")
def test_in_a_browser_the_label_page_shows_texts_and_runs_none(
    tmp_path: Path, server: LabelServer
) -> None:
    looked = asyncio.run(looked_at(tmp_path / "profile", server.url, LABELLED))
    found, requested, complaints = looked
    assert found["seen"] > len(TEXTS) // 2
    assert found["title"] == "Label sample.jsonl"
    assert (found["foreign"], found["handlers"]) == (0, 0)
    assert {each.split("/")[2] for each in requested} <= set(server.hosts)
    assert complaints == []
