from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIREMENTS = REPOSITORY / "requirements" / "demo.txt"
CORPUS = ("articles.jsonl", "taxonomy.toml")
FIND_CORPUS = """
from importlib.resources import files
for name in {names!r}:
    print(name, len(files("kclassify").joinpath("_corpus", name).read_text(encoding="utf-8")))
"""
TYPED = """
from kclassify import Taxonomy
from kclassify.errors import KclassifyError

def keep(taxonomy: Taxonomy[str]) -> Taxonomy[str]:
    return taxonomy

error: Exception = KclassifyError("typed")
"""
MISTYPED = """
from kclassify import Taxonomy

taxonomy: Taxonomy[str] = 3
"""

# Downloads what the pinned requirements name, unless uv has them cached.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of the processes which run these tests makes, for all of them."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            make(folder)
    return folder


def build(folder: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=REPOSITORY)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as an index would have it."""
    (built,) = made_once(tmp_path_factory, "dist", build).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment into which only the wheel and its pinned dependencies went."""
    return made_once(tmp_path_factory, "environment", partial(install, wheel))


def install(wheel: Path, folder: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    uv = (
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--system-certs",
        "--python",
        folder / "bin/python",
    )
    run(*uv, "--require-hashes", "--requirement", REQUIREMENTS, cwd=folder)
    run(*uv, "--no-deps", "--no-index", wheel, cwd=folder)


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"kclassify", "kclassify-0.1.0.dist-info"}
    assert {"kclassify/py.typed", *(f"kclassify/_corpus/{name}" for name in CORPUS)} <= set(names)
    assert "kclassify-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_source_distribution_holds_the_tests_and_the_corpus(wheel: Path) -> None:
    (archive,) = wheel.parent.glob("*.tar.gz")
    listing = run("tar", "--list", "--file", archive, cwd=wheel.parent).split()
    inside = {name.partition("/")[2] for name in listing}
    assert {"tests/test_packaging.py", "evals/samples/articles.jsonl", "Makefile"} <= inside


def test_the_installed_requirements_are_the_ones_the_wheel_asks_for(environment: Path) -> None:
    run(environment / "bin" / "python", "-m", "pip", "check", cwd=environment)


def test_the_installed_command_shows_its_help(environment: Path) -> None:
    shown = run(environment / "bin" / "kclassify", "--help", cwd=environment)
    assert "dry-run" in shown
    assert "rollback" in shown


def test_the_installed_package_carries_the_corpus(environment: Path) -> None:
    program = FIND_CORPUS.format(names=CORPUS)
    found = run(environment / "bin" / "python", "-c", program, cwd=environment)
    lengths = dict(line.split() for line in found.splitlines())
    assert all(int(lengths[name]) > 0 for name in CORPUS)


def test_the_installed_package_is_typed(environment: Path, tmp_path: Path) -> None:
    assert "Success" in type_check(environment, tmp_path, TYPED, expected=0)


def test_the_installed_types_find_a_mistake(environment: Path, tmp_path: Path) -> None:
    assert "[assignment]" in type_check(environment, tmp_path, MISTYPED, expected=1)


def type_check(environment: Path, folder: Path, program: str, *, expected: int) -> str:
    """What our mypy says of a program that sees the other environment's packages."""
    (folder / "program.py").write_text(program, encoding="utf-8")
    python = environment / "bin" / "python"
    command = ("-m", "mypy", "--strict", "--python-executable", python, "program.py")
    return run(sys.executable, *command, cwd=folder, expected=expected)


def run(*command: str | Path, cwd: Path, expected: int = 0) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == expected, ended.stdout + ended.stderr
    return re.sub(r"\x1b\[[0-9;]*m", "", ended.stdout)
