"""Nothing of a text gets into logs, events, errors or the ledger, whoever quotes it."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import sqlalchemy as sa

from kclassify import (
    Category,
    Classifier,
    Database,
    Done,
    JsonlSource,
    ReclassifyRunner,
    RunnerSettings,
    SqlLedger,
    Taxonomy,
)
from kclassify.errors import KclassifyError, NoVerdict
from kclassify.testing import (
    BadRequest,
    BrokenJson,
    FaultPlan,
    PlannedFault,
    StubMessagesAPI,
    WrongLabel,
)
from kclassify.testing.hostile import HOSTILE_TEXTS
from kclassify.testing.replies import Answer
from kclassify.writers import JsonlWriter
from tests.classifier.taxonomy import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.events import Event
    from kclassify.testing.item_text import ItemText

SECRET = "the quick vixen 4711 jumps"
MARK = re.compile(r"quick\W*vixen|xen4711|vixen", re.IGNORECASE)
TAXONOMY = Taxonomy[str](
    "t", tuple(Category(name=name, definition="d") for name in ("playbook", "pattern"))
)
TEXTS = [each for each in HOSTILE_TEXTS if each.kind not in ("size", "fences")]


class Echo:
    """A model that replies with the text itself for a label, in every third case."""

    def answer(self, item: ItemText, labels: tuple[str, ...]) -> Answer:
        place = int(item.body.split()[0])
        if place % 3:
            return Answer(labels[place % 2], 0.9)
        said = item.body if place % 2 else item.text.partition(" ")[2].upper()
        return Answer(said.encode("utf-8", "replace").decode(), 0.9)


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def bodies() -> list[str]:
    return [f"{place} {SECRET} {encodable(each.text)} {SECRET}" for place, each in enumerate(TEXTS)]


def corpus(folder: Path) -> Path:
    path = folder / "articles.jsonl"
    lines = [
        json.dumps(
            {"id": f"k-{place}", "body": body, "title": f"{SECRET} {place};", "current": None}
        )
        for place, body in enumerate(bodies())
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def refusals() -> FaultPlan:
    """A provider that rejects some texts, and quotes them in what it says."""
    quoted = list(enumerate(bodies()))[5::9]
    rejected = [
        PlannedFault(
            fault=BadRequest(f"messages.0: cannot take '{body}'"), contains=f"{SECRET} {place};"
        )
        for place, body in quoted
    ]
    return FaultPlan((*rejected, PlannedFault(fault=BrokenJson(), contains=" 7;")))


async def commit(folder: Path, stub: StubMessagesAPI, events: list[Event]) -> None:
    articles, relabelled = corpus(folder), folder / "relabelled.jsonl"
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as classifier:
        runner = ReclassifyRunner(
            source=JsonlSource(articles),
            classifier=classifier,
            ledger=SqlLedger(Database(f"sqlite:///{folder}/ledger.db", create=True)),
            writer=JsonlWriter(articles, relabelled),
            name="silent",
            settings=RunnerSettings(max_concurrency=4),
            listeners=[events.append],
        )
        assert await runner.dry_run() == Done()
        assert await runner.commit(override="a test") == Done()
    relabelled.unlink()
    articles.unlink()


def all_of_the_ledger(folder: Path) -> str:
    engine = sa.create_engine(f"sqlite:///{folder}/ledger.db")
    found: list[object] = []
    with engine.connect() as connection:
        for table in sa.inspect(engine).get_table_names():
            found += [tuple(row) for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))]
    engine.dispose()
    return repr(found)


async def test_no_log_event_file_or_column_of_the_ledger_has_a_word_of_a_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []
    caplog.set_level(logging.DEBUG)
    with StubMessagesAPI(Echo(), plan=refusals()) as stub:
        await commit(tmp_path, stub, events)
        assert stub.count >= len(TEXTS)
    ours = [r for r in caplog.records if not r.name.startswith("aiohttp")]
    ledger = all_of_the_ledger(tmp_path)
    assert "invalid" in ledger
    assert "rejected" in ledger
    assert "withheld" in ledger
    assert not MARK.search(ledger), MARK.search(ledger)
    assert not MARK.search(repr(events))
    assert not [r for r in ours if MARK.search(f"{r.getMessage()} {r.args!r} {r.exc_info!r}")]
    for path in await anyio.to_thread.run_sync(lambda: list(tmp_path.iterdir())):
        content = path.read_bytes().decode("latin-1")
        assert not MARK.search(content), path


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "openai/gpt-x"])
async def test_no_library_logs_a_text_at_any_level(
    caplog: pytest.LogCaptureFixture, model: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with StubMessagesAPI(Echo()) as stub:
        url = stub.url if model.startswith("claude") else f"{stub.url}/v1"
        async with Classifier(TAXONOMY, model=model, base_url=url, api_key=KEY) as made:
            for place in range(4):
                try:
                    await made.classify(f"{place} {SECRET}", f"{SECRET} {place}")
                except NoVerdict:
                    continue
    assert stub.count > 4
    said: list[Any] = [(r.name, r.getMessage()) for r in caplog.records]
    assert not [each for each in said if MARK.search(each[1])]


@pytest.mark.parametrize("quoted", ["{}", "{!r}", "it said: {}.", '{{"label": "{}"}}'])
async def test_no_error_that_is_raised_quotes_a_text(quoted: str) -> None:
    for body in (
        "short 1",
        "a\u202eb\u202ec\u202ed\u202ee\u202ef\u202eg",
        f"x {SECRET}",
        "\x1b[31mred hot",
    ):
        with StubMessagesAPI() as stub:
            stub.script([WrongLabel(quoted.format(body)), WrongLabel(quoted.format(body.upper()))])
            async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
                with pytest.raises(KclassifyError) as raised:
                    await made.classify(body)
        assert "withheld" in str(raised.value), body
        assert body.casefold() not in str(raised.value).casefold()
