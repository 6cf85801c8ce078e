"""What was drawn, for people and for programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.sampling import Sampled
from kclassify.cli.wording import plural, shown, verb
from kclassify.evals.labelled import Frame, Split
from kclassify.evals.population import CHANGED

_SHOWN = 40


def report_sample(sampled: Sampled, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        say_json(_facts(sampled))
        return
    _say_groups(sampled)
    say()
    for line in _lines(sampled):
        say(shown(line))


def _facts(sampled: Sampled) -> dict[str, Any]:
    drawn = sampled.drawn
    return {
        "sample": str(sampled.path),
        "frame": sampled.order.frame.value,
        "seed": sampled.order.seed,
        "rows": len(drawn.rows),
        "added": drawn.added,
        "unlabelled": _unlabelled(sampled),
        "population": drawn.population,
        "population_name": drawn.population_name,
        "groups": [
            {"label": label, "population": whole, "rows": rows}
            for label, (whole, rows) in drawn.groups.items()
        ],
        "weighted": drawn.weighted,
        "left_out": dict(drawn.left_out),
        "splits": dict(Counter(row.split.value for row in drawn.rows if row.split)),
        "put_aside": None if sampled.put_aside is None else str(sampled.put_aside),
    }


def _say_groups(sampled: Sampled) -> None:
    what = "items" if sampled.order.frame is Frame.UNIFORM else "proposals"
    label = "label" if sampled.order.frame is Frame.UNIFORM else "proposed label"
    weights = _weights(sampled)
    groups = sorted(sampled.drawn.groups.items(), key=lambda pair: (-pair[1][0], pair[0]))
    rows = [[shown(name), whole, drawn, *weights.get(name, ())] for name, (whole, drawn) in groups]
    headings = [label, what, "drawn", *(["each stands for"] if weights else [])]
    say_table(headings, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        say(f"... and {plural(len(rows) - _SHOWN, 'label')} more: see --json")


def _weights(sampled: Sampled) -> dict[str, tuple[float]]:
    """What a row of a stratum stands for, where strata differ."""
    weights = {row.stratum: row.weight for row in sampled.drawn.rows}
    return {
        name: (weight,)
        for name, weight in weights.items()
        if name is not None and weight is not None
    }


def _lines(sampled: Sampled) -> list[str]:
    drawn = sampled.drawn
    of = f"of {drawn.population:,} {drawn.population_name}"
    lines = [f"{plural(len(drawn.rows), 'row')} {of} in {sampled.path}{_news(sampled)}"]
    if sampled.put_aside is not None:
        lines.append(f"The sample that was there is now {sampled.put_aside}")
    for reason, count in sorted(drawn.left_out.items()):
        since = "another text" if reason == CHANGED else "another label"
        lines.append(
            f"{plural(count, 'row')} {verb(count, 'has', 'have')} {since} since the dry run, and "
            f"{verb(count, 'was', 'were')} left out"
        )
    if drawn.weighted:
        lines.append("Rows stand for different numbers of rows, so all figures are weighted")
    splits = Counter(row.split for row in drawn.rows)
    if splits[Split.HOLDOUT]:
        lines.append(
            f"{splits[Split.DEV]:,} to choose by, {splits[Split.HOLDOUT]:,} kept apart as holdout"
        )
    unlabelled = _unlabelled(sampled)
    step = f"label {verb(unlabelled, 'it', 'them')} with `kclassify label {sampled.path}`"
    return [*lines, f"{plural(unlabelled, 'row')} without a label: {step}"] if unlabelled else lines


def _news(sampled: Sampled) -> str:
    drawn = sampled.drawn
    told = "" if drawn.added == len(drawn.rows) else f", {drawn.added:,} of them new"
    return f"{told}; that is all there are" if len(drawn.rows) == drawn.population else told


def _unlabelled(sampled: Sampled) -> int:
    return sum(row.gold is None for row in sampled.drawn.rows)
