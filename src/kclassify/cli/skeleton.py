"""The texts of the two files that `kclassify init` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kclassify.cli.guess import Roles

_SETTINGS = """\
# What each setting means: docs/configuration.md. ${{NAME}} stands for an environment variable.

[run]
name = {name}

[source]
{source}
[taxonomy]
file = {taxonomy}

[classifier]
model = "anthropic/claude-haiku-4-5"  # or "local", with examples = "labelled.jsonl"

[runner]
max_concurrency = 10
min_confidence = 0.75

[gate]
record = "evals/gate.json"  # `kclassify eval` writes it, and `kclassify commit` asks it
"""
_TAXONOMY = """\
# The labels that the items of {name} carry now. `kclassify dry-run` starts once each of them
# has a definition: one line that would let a new colleague decide. A label that nothing may move to
# any more gets `retired = true` in place of a definition. New categories are further [[category]]
# blocks, with choose_when, not_when and examples where two of them are close.

name = {quoted}
tie_breakers = []
"""
_CATEGORY = """
[[category]]  # {rows} now
name = {name}
definition = ""
"""
_RETIRED = """
[[category]]  # {rows} now; no name for a category that may be chosen
name = {name}
retired = true
"""
_NO_CATEGORY = """
# [[category]]
# name = "playbook"
# definition = "a concrete, ordered procedure to accomplish a task"
"""


def quoted(text: str) -> str:
    """The text as a TOML string, with an escape for all that could not be seen."""
    return "".join(_escaped(letter) for letter in json.dumps(text, ensure_ascii=False))


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def copyable(name: str) -> str:
    """The name in quotes, as it may be copied into a taxonomy."""
    literal = f"'{name}'"
    return literal if literal == repr(name) else quoted(name)


def may_be_active(label: str) -> bool:
    """Whether a category that may be chosen can have this name; a retired one may have any."""
    return bool(label) and label == label.strip() and label.isprintable()


def settings_text(name: str, place: Mapping[str, str | None], roles: Roles, taxonomy: str) -> str:
    """`kclassify.toml`. `place` says where the items are: url, schema and table, or path."""
    given = {
        **place,
        "key": roles.key,
        "title": roles.title,
        "body": roles.body,
        "current": roles.current,
    }
    source = "".join(f"{key} = {quoted(v)}\n" for key, v in given.items() if v is not None)
    return _SETTINGS.format(name=quoted(name), source=source, taxonomy=quoted(taxonomy))


def taxonomy_text(name: str, labels: Mapping[str, int]) -> str:
    """`taxonomy.toml`, a category for each label, its definition still to be written."""
    head = _TAXONOMY.format(name=" ".join(name.split()), quoted=quoted(name))
    categories = [_category_text(label, rows) for label, rows in labels.items()]
    return head + ("".join(categories) or _NO_CATEGORY)


def _category_text(label: str, rows: int) -> str:
    form = _CATEGORY if may_be_active(label) else _RETIRED
    return form.format(rows=f"{rows:,} row{'' if rows == 1 else 's'}", name=quoted(label))
