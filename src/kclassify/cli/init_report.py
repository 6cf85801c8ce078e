"""What `kclassify init` found and wrote, for people or as JSON."""

from __future__ import annotations

from kclassify.cli.guess import Roles
from kclassify.cli.initialization import Found
from kclassify.cli.output import say, say_json
from kclassify.cli.skeleton import copyable, may_be_active
from kclassify.cli.wording import NO_LABEL, counts, plural, shown

_SHOWN_LABELS = 12
_FIRST = "`kclassify estimate`, which says what it would cost, and `kclassify dry-run`"


def report(found: Found, given: Roles, *, as_json: bool) -> None:
    """Print what was found, what was guessed, what was written and what comes next."""
    if as_json:
        say_json(facts(found))
        return
    labels = {_told(name): rows for name, rows in found.labels.items()}
    first = dict(list(labels.items())[:_SHOWN_LABELS])
    more = f" and {len(labels) - len(first)} more" if len(labels) > len(first) else ""
    say(
        f"{shown(found.place)}: {plural(found.items, 'item')}; {counts(first) or 'no labels'}{more}"
    )
    for role in ("key", "title", "body", "current"):
        column, named = getattr(found.roles, role), getattr(given, role)
        how = "as asked" if named else "guessed"
        say(f"  {role:<8} {shown(column)} ({how})" if column else f"  {role:<8} none")
    say(f"Wrote {' and '.join(str(path) for path in found.written)}.")
    for line in next_steps(found):
        say(line)


def next_steps(found: Found) -> list[str]:
    """What is left for a human to do, a line each."""
    lines: list[str] = []
    if found.variable:
        lines.append(
            f"The URL holds a password, so the file says ${{{found.variable}}}: "
            f"export {found.variable} with the URL."
        )
    if found.unknown:
        names = ", ".join(copyable(name) for name in found.unknown)
        lines.append(f"The taxonomy does not know {names}: add them with `retired = true`.")
    if found.undefined:
        lines.append(
            f"Next: write {plural(len(found.undefined), 'definition')} into {found.written[-1]}, "
            f"then run {_FIRST}."
        )
    else:
        lines.append(f"Next: run {_FIRST}.")
    return lines


def _told(name: str | None) -> str:
    if name is None:
        return NO_LABEL
    return name if may_be_active(name) and name != NO_LABEL else copyable(name)


def facts(found: Found) -> dict[str, object]:
    """The same as data. Items without a label are counted apart, under `unlabelled`."""
    labelled = {name: rows for name, rows in found.labels.items() if name is not None}
    return {
        "source": found.place,
        "items": found.items,
        "labels": labelled,
        "unlabelled": found.labels.get(None, 0),
        "columns": {
            "key": found.roles.key,
            "title": found.roles.title,
            "body": found.roles.body,
            "current": found.roles.current,
        },
        "written": [str(path) for path in found.written],
        "undefined": list(found.undefined),
        "unknown": list(found.unknown),
        "variable": found.variable,
    }
