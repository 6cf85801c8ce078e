"""The documents as data, and a folder in which their blocks are carried out one after the other."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kclassify.config import load_settings, parse_settings
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.evals.suite import load_suite
from tests.cli.place import Place
from tests.evaluated_corpus import label

MARKER = "<!-- not run by the tests: it does its own set-up -->"
STEPS_OF_OTHERS = ("pip install ", "gh pr comment ")
NOT_RUN = {"make demo", "make test"}
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, in what language it is, and what stands above it."""

    document: str
    line: int
    language: str
    text: str
    above: str = ""

    @property
    def place(self) -> str:
        return f"{self.document}, line {self.line}"


def tokens(text: str) -> list[Token]:
    """Every token of a document, those inside paragraphs too."""
    found = _MARKDOWN.parse(text)
    return [token for outer in found for token in (outer, *(outer.children or ()))]


def blocks(document: str, text: str) -> list[Block]:
    """The fenced blocks, in order."""
    lines = text.splitlines()
    found: list[Block] = []
    for token in tokens(text):
        if token.type == "fence" and token.map:
            start = token.map[0]
            above = next((line for line in reversed(lines[:start]) if line.strip()), "")
            found.append(Block(document, start + 1, token.info.strip(), token.content, above))
    return found


def links(text: str) -> list[str]:
    """Where the links and pictures of a document point to."""
    targets = [token.attrGet("href") or token.attrGet("src") for token in tokens(text)]
    return [target for target in targets if isinstance(target, str)]


def anchors(text: str) -> set[str]:
    """The names that a heading can be linked to by."""
    found = tokens(text)
    headings = [after.content for token, after in pairwise(found) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", head).lower().replace(" ", "-") for head in headings}


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table rows under a heading, as they are written, without the head's own."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    section = re.split("^#", prose.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)
    lines = [line.strip() for line in section[0].splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines[2:]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


# The suites of contracts are run as a whole by tests/store, tests/sources and tests/writers.
SAMPLED = """
from collections import Counter

def pytest_collection_modifyitems(items):
    kept = Counter()
    for item in [*items]:
        kept[item.parent] += 1
        if kept[item.parent] % 10 != 1:
            items.remove(item)
"""


@dataclass
class Workshop:
    """Carries blocks out in a folder; what one of them leaves, the next one finds.

    Python is executed, with one set of names for a whole document; under a first line like
    `# test_mine.py` it is a file of tests, which have to pass in the end, and under one like
    `# worker.py` it becomes that module, which the commands can import. TOML is read as settings
    or as a taxonomy: under a first line like `# taxonomy.toml` it becomes that file, else it is
    merged into the settings that are there. In console blocks each `$ kclassify` is run, its output
    compared, `...` standing for anything; it has to end with 0, or as `$ echo $?` says.
    """

    place: Place
    monkeypatch: pytest.MonkeyPatch
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "document"})
    status: int = 0
    tests: dict[str, str] = field(default_factory=dict[str, str])

    def carry_out_all(self, found: Iterable[Block]) -> None:
        """Raises whatever is wrong with one of the blocks, naming its place."""
        for block in found:
            self._carry_out(block)
        if self.tests:
            self._run_tests()

    def _carry_out(self, block: Block) -> None:
        match block.language:
            case "python" if named := re.match(r"# (test_\w+\.py)\n", block.text):
                self.tests[self.place.write(named[1], block.text).name] = block.place
            case "python" if named := re.match(r"# (\w+)\.py\n", block.text):
                self._write_module(named[1], block.text)
            case "python":
                source = "\n" * block.line + block.text
                exec(compile(source, block.place, "exec"), self.names)  # noqa: S102
            case "toml":
                self._read(block)
            case "console":
                self._run(block)
            case "yaml":
                self._carry_out_workflow(block)
            case "sh":
                assert block.above.strip() == MARKER, f"{block.place}: unmarked"
                assert set(block.text.splitlines()) <= NOT_RUN, f"{block.place}: not to be left out"
            case "text":
                pass
            case _:
                pytest.fail(f"{block.place}: nobody knows how to carry {block.language!r} out")

    def _run_tests(self) -> None:
        """All files of tests in one process: to start one takes longer than most of them."""
        self.place.write("conftest.py", SAMPLED)
        options = ("-p", "no:cacheprovider", "-c", os.devnull, "-q", "-rA")
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", *options, *self.tests],
            cwd=self.place.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"{', '.join(self.tests.values())}\n{ended.stdout}{ended.stderr}"
        assert ended.returncode == 0, told
        for name in self.tests:
            assert f"PASSED {name}::" in ended.stdout, told

    def _write_module(self, name: str, text: str) -> None:
        self.place.write(f"{name}.py", text)
        self.monkeypatch.syspath_prepend(self.place.folder)
        # What is set by it is forgotten again, and so is what is imported under that name.
        self.monkeypatch.setitem(sys.modules, name, ModuleType(name))
        del sys.modules[name]

    def _carry_out_workflow(self, block: Block) -> None:
        """Each step of each job: our own commands are run, others are known or have no say here."""
        content = yaml.safe_load(block.text)
        assert "jobs" in content, f"{block.place}: yaml that is no workflow"
        for job in content["jobs"].values():
            for step in job["steps"]:
                assert "run" in step or "uses" in step, block.place
                command = step.get("run", "")
                if command.startswith("kclassify "):
                    ended = self.place.run(*shlex.split(command)[1:])
                    assert ended.status == 0, f"{block.place}: {command}\n{ended.out}{ended.err}"
                    continue
                assert not command or command.startswith(STEPS_OF_OTHERS), (
                    f"{block.place}: {command}"
                )

    def _read(self, block: Block) -> None:
        named = re.match(r"# (\S+\.toml)\n", block.text)
        if named is None:
            settings = tomllib.loads((self.place.folder / "kclassify.toml").read_text())
            for table, values in tomllib.loads(block.text).items():
                settings[table] = {**settings.get(table, {}), **values}
            parse_settings(settings, self.place.folder, os.environ, {}, name=block.place)
            return
        path = self.place.write(named[1], block.text)
        if "taxonomy" in named[1]:
            read_taxonomy(path)
        elif "suite" in named[1]:
            load_suite(path)
        else:
            load_settings(path)

    def _run(self, block: Block) -> None:
        for command, wanted in _commands(block.text):
            got = self._printed(command, block)
            where = f"{block.place}: $ {command}"
            same = doctest.OutputChecker().check_output(wanted, got, _LOOSELY)
            assert same, f"{where}\n--- the document says\n{wanted}\n--- it prints\n{got}"
        assert self.status == 0, f"{block.place}: ended with {self.status}, which it does not say"

    def _printed(self, command: str, block: Block) -> str:
        if command == "echo $?":
            shown, self.status = f"{self.status}\n", 0
            return shown
        assert self.status == 0, f"{block.place}: ended with {self.status}, which it does not say"
        words = shlex.split(command)
        if words[0] in {"export", "unset"}:
            name, _, value = words[1].partition("=")
            self.monkeypatch.setenv(name, value)
            if words[0] == "unset":
                self.monkeypatch.delenv(name)
            return ""
        if words[:2] == ["kclassify", "label"]:
            label(self.place.folder / words[2])  # what people do on the page
            return ""
        assert words[0] == "kclassify", f"{block.place}: the tests cannot run {words[0]}"
        ended = self.place.run(*words[1:])
        self.status = ended.status
        return ended.out + (ended.err if ended.status else "")


def _commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that follows it."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        else:
            command, output = found[-1]
            found[-1] = command, output + line
    return found


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
