"""What the house forbids, as functions from source text to complaints."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINES = 300
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
UNFINISHED = re.compile(r"\b(NotImplementedError|TODO|FIXME|XXX)\b")
DOWNLOAD_ADDRESS = re.compile(
    r"--(extra-)?index-url|--find-(links)|pythonhosted\.|pypi\.org/simple|//registry\.npmjs"
    r"|\b(index-url|find-links) *=|\bhttps?://\S+\.(whl|tar\.gz|tgz|zip)\b|\bfile:///(?=\w)",
    re.IGNORECASE,
)

CORE_IMPORTS = {
    "__future__", "abc", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "html",
    "itertools", "json", "math", "operator", "pydantic", "pydantic_core", "re", "statistics",
    "string", "textwrap", "tomllib", "types", "typing", "typing_extensions", "unicodedata", "uuid",
}  # fmt: skip
CORE_NEIGHBOURS = ("kclassify.core", "kclassify.errors")
IMPURE_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
CLOCK = {"monotonic", "now", "perf_counter", "process_time", "time_ns", "today", "utcnow"}
RANDOMNESS = {"getnode", "urandom", "uuid1", "uuid4", "uuid6", "uuid7"}
FILES = {"mkdir", "read_bytes", "read_text", "unlink", "write_bytes", "write_text"}
ASYNC_NODES = (ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await)


def impurities(source: str) -> list[str]:
    """Why `source`, a module of `core/`, is not pure: a line number and the offence each."""
    complaints: list[str] = []
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        complaints += [f"line {line}: {offence}" for offence in offences(node)]
    return complaints


def offences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ASYNC_NODES) or (isinstance(node, ast.comprehension) and node.is_async):
        yield "waits"
    elif isinstance(node, ast.Import):
        yield from (f"imports {a.name}" for a in node.names if not may_import(a.name))
    elif isinstance(node, ast.ImportFrom):
        yield from forbidden_names(node)
    elif isinstance(node, ast.Attribute):
        yield from (f"uses .{node.attr}" for _ in [0] if node.attr in RANDOMNESS | FILES)
    elif isinstance(node, ast.Call):
        yield from forbidden_call(node.func)


def forbidden_names(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    if node.level > 1:
        module = f"kclassify.{module}".rstrip(".")
    if node.level != 1 and not may_import(module):
        yield f"imports {module}"
    yield from (f"imports {a.name}" for a in node.names if a.name in RANDOMNESS)


def forbidden_call(called: ast.expr) -> Iterator[str]:
    if isinstance(called, ast.Name) and called.id in IMPURE_BUILTINS:
        yield f"calls {called.id}"
    if isinstance(called, ast.Attribute) and called.attr in CLOCK:
        yield f"calls .{called.attr}"


def may_import(module: str) -> bool:
    if module.split(".", maxsplit=1)[0] == "kclassify":
        return any(module == n or module.startswith(f"{n}.") for n in CORE_NEIGHBOURS)
    return module.split(".", maxsplit=1)[0] in CORE_IMPORTS


def module_faults(path: Path) -> list[str]:
    """What is wrong with a file of `src/` whatever its layer: length, name, loose ends."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    faults: list[str] = []
    if len(lines) > MAX_LINES:
        faults.append(f"{len(lines)} lines, more than {MAX_LINES}")
    if VAGUE_NAMES & {path.stem, path.parent.name, *path.stem.split("_")}:
        faults.append("a name that says nothing")
    faults += [
        f"line {n}: unfinished" for n, line in enumerate(lines, 1) if UNFINISHED.search(line)
    ]
    return faults


def download_addresses(text: str) -> list[str]:
    """Where packages would be downloaded from, as written in `text`."""
    return [match.group() for match in DOWNLOAD_ADDRESS.finditer(text)]


def imported_modules_program(program: str, suspects: tuple[str, ...]) -> list[str]:
    """The command that runs `program` by itself, then prints the suspects that it imported."""
    report = f"import sys\nprint('imported:', *(m for m in {suspects!r} if m in sys.modules))"
    return [sys.executable, "-c", f"{program}\n{report}"]
