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
_NO_CATEGORY = """
# [[category]]
# name = "playbook"
# definition = "a concrete, ordered procedure to accomplish a task"
"""


def quoted(text: str) -> str:
    """The text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


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
    categories = [
        _CATEGORY.format(rows=f"{rows:,} row{'' if rows == 1 else 's'}", name=quoted(label))
        for label, rows in labels.items()
    ]
    return head + ("".join(categories) or _NO_CATEGORY)
