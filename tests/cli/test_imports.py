"""What commands import: who only reads a ledger does not wait for the libraries of the others."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from kclassify.testing import StubMessagesAPI
from tests.cli.place import Place, rows
from tests.cli.test_help import COMMANDS

ASKING = {"aiohttp", "anthropic", "httpx2", "instructor", "openai", "requests"}
RECKONING = {"jinja2", "matplotlib", "numpy", "scipy", "sklearn", "statsmodels"}
STORING = {"pydantic", "rich", "sqlalchemy", "sqlmodel"}
LOCAL = '\n[classifier]\nexamples = "examples.jsonl"\n'
PROGRAM = """
import sys
from kclassify.cli import main
for line in sys.stdin.read().splitlines():
    try:
        main(line.split())
    except SystemExit as end:
        assert not end.code, (line, end.code)
    print("imported:", *(name.partition(".")[0] for name in [*sys.modules]))
"""


@dataclass(frozen=True)
class Ran:
    """What a command printed, and the heavy libraries in its process then."""

    out: str
    heavy: set[str]


def ran(*commands: str) -> list[Ran]:
    """Commands one after the other in a process of their own."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: list[Ran] = []
    out = ""
    for line in ended.stdout.splitlines(keepends=True):
        if line.startswith("imported:"):
            told.append(Ran(out, (ASKING | RECKONING | STORING) & set(line.split())))
            out = ""
        else:
            out += line
    return told


def test_help_imports_nothing_heavy() -> None:
    commands = ["", *(f"{name} " for name in COMMANDS), "eval run ", "eval init ", "eval plan "]
    first, *pages = ran(*(f"{command}--help" for command in commands))
    assert first.heavy == set()
    assert "Usage: kclassify [OPTIONS] COMMAND" in first.out
    for command, page in zip(commands[1:], pages, strict=True):
        assert f"Usage: kclassify {command}" in page.out
        assert page.heavy == {"pydantic"}  # by Typer itself, for the arguments before a command


def test_who_asks_no_provider_imports_none(place: Place, stub: StubMessagesAPI) -> None:
    texts = [{"body": body, "gold": "playbook"} for _, body, _ in rows(8)]
    for text in texts[::2]:
        text["gold"] = "pattern"
    place.write("examples.jsonl", "".join(f"{json.dumps(text)}\n" for text in texts))
    place.settle(rows(2), LOCAL)
    assert place.run("commit", "--override", "both were read").status == 0
    asked = stub.count
    first, *reading, local = ran(
        "failures",
        "audit",
        "status",
        "batches",
        "audit --verify",
        "rollback",
        "dry-run --model local --run other",
    )
    assert first.heavy == STORING - {"rich"}  # no table is printed
    assert {name for command in reading for name in command.heavy} == STORING
    assert "sklearn" in local.heavy
    assert not local.heavy & (ASKING | {"jinja2", "matplotlib", "statsmodels"})
    assert stub.count == asked
