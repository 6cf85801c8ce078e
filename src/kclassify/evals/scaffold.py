"""The files that `kclassify eval init` writes into somebody's project."""

from __future__ import annotations

from pathlib import Path

from kclassify.errors import UsageError
from kclassify.whole_file import write_whole

_SUITE = """\
# What each key means: docs/evaluation.md. ${NAME} stands for an environment variable.

[run]
sample = "sample.jsonl"
repeats = 1
seed = 0

# A variant is a classifier. Taxonomy, prompt and model come from kclassify.toml unless they are
# given here. The last variant is the candidate, which the gate decides on.
[[variant]]
name = "as it is"

# [[variant]]
# name = "tightened"
# taxonomy = "../taxonomy-new.toml"
# prompt = "prompt-new.txt"

[policy]
min_confidence = 0.75

[gate]
write_precision = 0.90
delta = 0.10
class_floor = 0.85
"""
_README = """\
# Evaluations

1. `kclassify dry-run` classifies everything and writes nothing.
2. `kclassify sample` draws rows of it into `sample.jsonl`, `kclassify label` shows them to whoever
   labels them: `gold` is the label that a row should carry.
3. `kclassify eval`, or `python -m evals`, scores the variants of `suite.toml` on them. It writes
   `gate.json`, which opens `kclassify commit` when it says `pass` and `kclassify.toml` names it as
   `[gate] record`.

Exit status: 0 pass, 1 fail, 2 usage, 3 inconclusive (it says how many labels are still needed),
4 stale or mismatched gate, 5 incomplete: the same command goes on.

Replies are kept in `.cache/replies`; `--replay-only` makes no call.
"""
_PACKAGE = '"""Evaluations of the classifier: `python -m evals`."""\n'
_MAIN = '''\
"""The same as `kclassify eval` over the suite beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

from kclassify.cli import main

main(["eval", str(Path(__file__).with_name("suite.toml")), *sys.argv[1:]])
'''
_SAMPLE = "sample.jsonl"
_FILES = {
    "__init__.py": _PACKAGE,
    "__main__.py": _MAIN,
    "suite.toml": _SUITE,
    _SAMPLE: "",
    "README.md": _README,
}


def write_scaffold(folder: Path, *, force: bool = False) -> list[Path]:
    """Write the files; their paths. With `force` those that are there are written over.

    A sample that is there is left as it is. Raises `UsageError` when another one is there already,
    or cannot be written; nothing is written then.
    """
    files = {
        folder / name: text
        for name, text in _FILES.items()
        if name != _SAMPLE or not (folder / name).exists()
    }
    there = [path for path in files if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already: give another folder, or --force")
    for path, text in files.items():
        write_whole(path, text)
    return list(files)
