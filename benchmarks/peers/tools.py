"""Whom kclassify is measured beside, and an environment for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ENVIRONMENTS = HERE / ".environments"
NAMES = (
    "kclassify",
    "anthropic",
    "instructor",
    "langchain-anthropic",
    "pydantic-ai",
    "litellm",
    "semlib",
    "bespokelabs-curator",
    "dspy",
    "inspect-ai",
    "refuel-autolabel",
)
_INSTALL_S = 900


@dataclass(frozen=True)
class Tool:
    """A tool by the name of its package, the script that uses it, and what it is installed from."""

    name: str

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return f"benchmarks.peers.with_{self.name.replace('-', '_')}"

    @property
    def requirements(self) -> Path:
        """Direct requirements, pinned. The tool itself comes first."""
        return HERE / "requirements" / f"{self.name}.txt"

    @property
    def interpreter(self) -> Path:
        """Of the tool's environment."""
        return ENVIRONMENTS / self.name / "bin" / "python"


def install(tool: Tool, base: str) -> None:
    """Makes the environment of a tool, unless it is there, with the interpreter `base`.

    Raises `CalledProcessError` or `TimeoutExpired` when it cannot be installed.
    """
    folder = ENVIRONMENTS / tool.name
    sources = (tool.requirements, REPOSITORY / "pyproject.toml")  # the second for kclassify's own
    wanted = "\n".join([base, *(path.read_text(encoding="utf-8") for path in sources)])
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    _uv("venv", "--clear", "--python", base, str(folder))
    _uv("pip", "install", "--python", str(tool.interpreter), "-r", str(tool.requirements))
    stamp.write_text(wanted, encoding="utf-8")


def version(tool: Tool) -> str:
    """The version of the tool's package in its environment."""
    program = f"import importlib.metadata as m; print(m.version({package(tool)!r}))"
    return _output([str(tool.interpreter), "-c", program]).strip()


def package(tool: Tool) -> str:
    """The name of the package whose version is told: that of the first requirement."""
    if tool.name == "kclassify":
        return tool.name
    first = tool.requirements.read_text(encoding="utf-8").splitlines()[0]
    return first.partition("==")[0].partition("[")[0]


def newest_python() -> str:
    """Python 3.12 where there is one, as semlib has no release for 3.11; else the one at work."""
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(installed.glob("3.12.*/bin/python3.12"))]
    answering = [name for name in (*found, shutil.which("python3.12")) if name and _answers(name)]
    return answering[0] if answering else sys.executable


def _answers(interpreter: str) -> bool:
    run = subprocess.run([interpreter, "--version"], capture_output=True, check=False)  # noqa: S603
    return run.returncode == 0


def _uv(*arguments: str) -> None:
    _output([sys.executable, "-m", "uv", *arguments, "--quiet"])


def _output(command: list[str]) -> str:
    run = subprocess.run(  # noqa: S603
        command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=_INSTALL_S
    )
    return run.stdout
