from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import (
    MAX_LINES,
    download_addresses,
    imported_modules_program,
    impurities,
    module_faults,
)

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "kclassify"
HEAVY = ("anthropic", "instructor", "sqlalchemy", "sqlmodel")
IMPORT = "import kclassify"
HELP = """
import sys
from kclassify.cli import main
sys.argv = ["kclassify", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

modules = pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
core_modules = pytest.mark.parametrize(
    "path", sorted(SOURCE.glob("core/**/*.py")), ids=lambda path: path.name
)


@core_modules
def test_the_core_is_pure(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    [
        "async def decide(): ...",
        "async def f(g):\n    return [x async for x in g]",
        "import anyio",
        "import time",
        "import random",
        "import logging",
        "import os.path",
        "import kclassify",
        "import kclassify.store",
        "from kclassify.store import Ledger",
        "from kclassify import runner",
        "from .. import runner",
        "from ..events import Event",
        "from time import monotonic",
        "from secrets import token_hex",
        "from pathlib import Path",
        "from sqlmodel import SQLModel",
        "from uuid import uuid4",
        "def f():\n    import socket",
        "import uuid\nkey = uuid.uuid4()",
        "import uuid\nmake = uuid.uuid4",
        "import datetime\nat = datetime.datetime.now()",
        "from datetime import date\nat = date.today()",
        "text = open('taxonomy.toml').read()",
        "def f(path):\n    return path.read_text()",
        "print('admitted')",
        "eval('1')",
    ],
)
def test_an_impure_core_is_found(planted: str) -> None:
    assert impurities(planted)


@pytest.mark.parametrize(
    "innocent",
    [
        "from kclassify.core.item import Item",
        "from kclassify.errors import TaxonomyError",
        "from . import item",
        "from .item import Item",
        "from uuid import UUID",
        "def f(now: float) -> float:\n    return now + 1",
        "from pydantic import BaseModel",
        "import collections.abc",
    ],
)
def test_a_pure_core_is_left_alone(innocent: str) -> None:
    assert impurities(innocent) == []


@modules
def test_modules_are_short_well_named_and_finished(path: Path) -> None:
    assert module_faults(path) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.py", "x = 1\n" * (MAX_LINES + 1)),
        ("helpers.py", ""),
        ("text_utils.py", ""),
        ("common/run.py", ""),
        ("run.py", "raise " + "NotImplementedError"),
        ("run.py", "# TO" + "DO: later"),
    ],
)
def test_a_module_with_a_fault_is_found(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert len(module_faults(path)) == 1


def test_a_module_at_the_limit_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text("x = 1\n" * MAX_LINES, encoding="utf-8")
    assert module_faults(path) == []


@pytest.mark.parametrize("program", [IMPORT, HELP], ids=["import", "help"])
def test_nothing_heavy_is_imported_before_it_is_needed(program: str) -> None:
    assert imported(program) == []


def test_a_heavy_import_is_found() -> None:
    assert imported(f"import {', '.join(HEAVY)}") == list(HEAVY)


def test_the_layers_hold() -> None:
    result = lint(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("core", "import kclassify.ports"),
        ("core", "import sqlalchemy"),
        ("errors", "import kclassify.core"),
        ("ports", "import kclassify.store"),
        ("prompt", "import anthropic"),
        ("runner", "import kclassify.prompt"),
        ("runner", "import kclassify.writers"),
        ("store", "import kclassify.classifier"),
        ("store", "import kclassify.cli"),
        ("testing", "import kclassify.cli"),
        ("planted", "import kclassify.core"),
    ],
)
def test_a_broken_layer_is_found(tmp_path: Path, module: str, planted: str) -> None:
    shutil.copytree(SOURCE, tmp_path / "src" / "kclassify")
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    plant(tmp_path / "src" / "kclassify" / module, planted)
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def test_no_file_says_where_packages_are_downloaded_from() -> None:
    found = {
        path.relative_to(REPOSITORY).as_posix(): addresses
        for path in project_files()
        if (addresses := download_addresses(path.read_text(encoding="utf-8", errors="ignore")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "--index-" + "url https://packages.example/simple",
        "--extra-index-" + "url=https://packages.example",
        "--find-" + "links /opt/wheels",
        "https://files.python" + "hosted.org/packages/aa/bb",
        "https://packages.example/kclassify-0.1.0." + "whl",
        "index-url" + " = https://packages.example",
        "file:" + "///opt/pypi",
    ],
)
def test_a_download_address_is_found(planted: str) -> None:
    assert len(download_addresses(planted)) == 1


def imported(program: str) -> list[str]:
    command = imported_modules_program(program, HEAVY)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.rsplit("imported:", maxsplit=1)[1].split()


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def plant(module: Path, line: str) -> None:
    """Append to a module, whether it is a file, a package or new."""
    path = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def project_files() -> list[Path]:
    """What git tracks or would, or everything where this is not a checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        return [path for path in REPOSITORY.rglob("*") if path.is_file()]
    paths = (REPOSITORY / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]
