"""What commands print of hostile labels, keys, reasons and titles: words, and nothing that acts."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from kclassify.cli import main
from kclassify.cli.course import Course
from kclassify.cli.eval_report import say_evaluation
from kclassify.cli.inert_data import csv_cell, json_text
from kclassify.cli.live_progress import LiveProgress
from kclassify.cli.progress import showing
from kclassify.cli.skeleton import quoted
from kclassify.cli.wording import shown
from kclassify.core.decision import Halt
from kclassify.evals.evaluate import Evaluated
from kclassify.events import Checkpointed, PassOpened, Snoozing, StepEnded, Stopping, Warned
from kclassify.testing import StubMessagesAPI
from kclassify.testing.hostile import HOSTILE_LABELS, HOSTILE_TEXTS, Obedient, demand
from tests.cli.place import Ended, Place
from tests.report import evaluations

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
[run]
name = "hostile"

[source]
path = "articles.jsonl"
current = "category"

[runner]
max_concurrency = 8
"""
STORABLE = [label for label in HOSTILE_LABELS if "\0" not in label]
FORMULA = re.compile(r"\s*[=+\-@|%\t\r]")
OF_RICH = re.compile(r"\x1b\[(?:0|1|[0-9]{1,2}(?:;[0-9]{1,3})*)m|\x1b\[(?:\?25[lh]|1A|2K)|\r")


KNOWN = list(dict.fromkeys(label for label in STORABLE if label not in ("playbook", "pattern")))


@dataclass(frozen=True)
class Committed:
    """A run that is done, and what its commands printed."""

    place: Place
    dry_run: Ended
    commit: Ended


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Committed]:
    """A file whose keys and labels are hostile, and whose bodies have the model say such things."""
    place = Place(tmp_path_factory.mktemp("hostile"), "")
    fill(place)
    with pytest.MonkeyPatch.context() as patch, StubMessagesAPI(Obedient()) as stub:
        patch.chdir(place.folder)
        patch.setenv("ANTHROPIC_BASE_URL", stub.url)
        patch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
        reason = "=agreed \x1b[31m\u202e with \x9b2J everybody"
        yield Committed(
            place, place.run("dry-run"), place.run("commit", "--override", reason, "--json")
        )


def fill(place: Place) -> None:
    active = [
        f'[[category]]\nname = "{name}"\ndefinition = "d"' for name in ("playbook", "pattern")
    ]
    retired = [f"[[category]]\nname = {quoted(label)}\nretired = true" for label in KNOWN]
    place.write("taxonomy.toml", "\n".join(['name = "hostile"', *active, *retired]))
    place.write("kclassify.toml", SOURCE)
    lines = [
        {"id": f"{label} {number}", "title": label, "body": body(number, label), "category": label}
        for number, label in enumerate(KNOWN)
    ]
    place.write("articles.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def body(number: int, label: str) -> str:
    """Three in four say a category, the fourth its own hostile label."""
    return f"article {number} {demand('playbook' if number % 4 else label, 0.9)}"


@pytest.fixture
def place(committed: Committed, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(committed.place.folder)
    return committed.place


def assert_inert(text: str) -> None:
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line)


def assert_ended(ended: Ended, status: int = 0) -> Ended:
    assert ended.status == status, ended.err
    assert_inert(ended.out)
    assert_inert(ended.err)
    return ended


def test_no_command_prints_anything_that_acts(committed: Committed, place: Place) -> None:
    assert "playbook" in assert_ended(committed.dry_run).out
    assert "WRITING WITHOUT A GATE, override: =agreed" in assert_ended(committed.commit).err
    for command in (
        ["status"], ["status", "--all"], ["failures"], ["audit"], ["audit", "--format", "jsonl"],
        ["audit", "--format", "csv"], ["sample", "--size", "20"],
        ["status", "--run", "\x1b[31mred"],
    ):  # fmt: skip
        ended = place.run(*command)
        assert ended.status in {0, 2}, ended.err
        assert ended.out or ended.err
        assert_inert(ended.out)
        assert_inert(ended.err)


def test_json_is_json_and_escapes_what_is_not_seen(committed: Committed, place: Place) -> None:
    assert committed.commit.json["decision"]["kind"] == "done"
    for command in (["status"], ["status", "--all"], ["failures"], ["audit"], ["sample"]):
        assert assert_ended(place.run(*command, "--json")).json
    audit = assert_ended(place.run("audit", "--json")).json
    lines = assert_ended(place.run("audit", "--format", "jsonl")).out.splitlines()
    assert [json.loads(line) for line in lines] == audit
    before = {change["before"] for change in audit}
    assert len(before & set(KNOWN)) > len(KNOWN) // 2


def test_no_cell_of_the_audit_is_a_formula(place: Place) -> None:
    printed = assert_ended(place.run("audit", "--format", "csv")).out
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) > len(KNOWN) // 2
    assert not [cell for row in rows for cell in row.values() if FORMULA.match(cell)]
    assert "'=cmd|' /C calc'!A0" in {row["before"] for row in rows}


@pytest.mark.parametrize("unknown", ["\x1b[31mred", "\u202eder", "=cmd|x", "[red]x[/red]"])
def test_a_label_that_is_unknown_is_told_in_one_inert_line(place: Place, unknown: str) -> None:
    line = {"id": unknown, "title": "t", "body": "b", "category": f"{unknown}!"}
    place.write("unknown.jsonl", json.dumps(line))
    place.write("unknown.toml", SOURCE.replace("articles", "unknown"))
    ended = assert_ended(place.run("dry-run", "--config", "unknown.toml"), 2)
    assert len(ended.err.splitlines()) == 1
    assert "red" in ended.err or "cmd" in ended.err or "der" in ended.err


class Screen(io.StringIO):
    """A terminal, or what takes itself for one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", [["status"], ["failures"], ["audit"], ["sample"]])
def test_a_terminal_is_told_nothing_but_what_is_ours(place: Place, command: list[str]) -> None:
    screen = Screen()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(screen):
        patch.setattr(sys, "argv", ["kclassify", *command])
        patch.setenv("COLUMNS", "500")
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("FORCE_COLOR", "1")
        with pytest.raises(SystemExit):
            main()
    printed = screen.getvalue()
    assert len(printed.splitlines()) > 2
    assert_inert(OF_RICH.sub("", printed))
    assert "\x1b[31m" not in printed
    assert not re.search("[\x80-\x9f]", printed)


@pytest.mark.parametrize("text", [*STORABLE, "\ud800", "nul\0"], ids=ascii)
def test_one_text_is_inert_in_every_place(text: str) -> None:
    assert shown(text).isprintable()
    assert json_text({"label": text}).isprintable()
    assert json.loads(json_text([text], indent=2)) == [text]
    cell = csv_cell(text)
    assert isinstance(cell, str)
    assert cell.isprintable()
    assert not FORMULA.match(cell)
    json_text(text).encode("utf-8")


def test_progress_and_complaints_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    flood = "".join(HOSTILE_LABELS)
    events: list[Any] = [
        PassOpened(flood, "commit", 1, 10, 0, flood, flood),
        Checkpointed(1, 1, {(flood, flood): 1}, {flood: 1}, {flood: 1}, 0),
        Snoozing(60, flood),
        Warned(flood),
        Stopping(flood, 3, 5.0),
        StepEnded(Halt(flood)),
    ]
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=10_000, color_system=None)
    with showing(Course(), quiet=False) as plain, LiveProgress(Course(), console) as display:
        for event in events:
            plain(event)
            display(event)
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) > 4
    assert_inert(printed)
    assert_inert(OF_RICH.sub("", screen.getvalue()))


def test_an_evaluation_is_told_without_anything_that_acts() -> None:
    found = Evaluated(evaluations.hostile(), Path("evals/\x1b[31mgate\u202e.json"))
    out = io.StringIO()
    with redirect_stdout(out):
        say_evaluation(found, [Path("report\x07.html")])
    assert_inert(out.getvalue())


def test_a_flood_of_marks_does_not_reach_the_next_line() -> None:
    flood = next(each for each in HOSTILE_TEXTS if each.name == "combining flood").text
    assert len(shown(flood)) < 20
    assert shown("e\u0301 \u0e01\u0e34\u0e48") == "e\u0301 \u0e01\u0e34\u0e48"
