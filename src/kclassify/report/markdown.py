"""An evaluation as Markdown: the comment on a pull request.

Every text that comes from outside is escaped, so that it is shown and does nothing: no markup, no
link, no mention of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from kclassify.core.evaluation import Comparison, Evaluation, Flip
from kclassify.core.gate import GateVerdict
from kclassify.report.inert import one_line
from kclassify.report.numbers import counted, percent, points_with_bounds
from kclassify.report.wording import (
    answers_sentence,
    chosen_variant,
    impact_sentence,
    looks_sentence,
    named,
    p_sentence,
    population_sentence,
    scores_line,
    status_of,
    threshold_sentence,
    veto_sentence,
)

MOST_CHARS = 60_000
_FLIPS, _CHECKS, _SCORED = 10, 20, 10
_NAME, _TEXT, _SENTENCE = 80, 280, 1200
_APART = "\u200b"
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&@#$])")
_REFERENCE = re.compile(r"([@#!~%$&])(?=[\w\"'])")
_ADDRESS = re.compile(
    r"(:)(?=//)|(\bwww)(?=\.)|(\bgh)(?=-\d)|(\bmailto|\bxmpp)(?=:)", re.IGNORECASE
)
_START = re.compile(r"^(\d+)([.)])|^([-+=])")


def render_markdown(evaluation: Evaluation) -> str:
    """The verdict in a sentence, then what it rests on, in less than `MOST_CHARS` characters."""
    parts = chain(
        _verdict(evaluation),
        _scores(evaluation),
        *(_comparison(each) for each in evaluation.comparisons),
        _vetoes(evaluation),
        _footer(evaluation),
    )
    return _bounded(list(parts))


def escaped(text: str, limit: int = _TEXT) -> str:
    """The text on one line, as Markdown that shows it and does nothing else.

    Backslashes keep it from being markup. What a site links only after it has made HTML of it
    (mentions, references, addresses) is broken by a space of no width.
    """
    line = one_line(text, limit)
    broken = _ADDRESS.sub(lambda found: f"{found.group()}{_APART}", line)
    broken = _REFERENCE.sub(rf"\1{_APART}", broken)
    escaped_line = _MARKUP.sub(r"\\\1", broken)
    return _START.sub(lambda found: _unstarted(found.group()), escaped_line)


def _unstarted(start: str) -> str:
    return f"{start[:-1]}\\{start[-1]}"


def _verdict(evaluation: Evaluation) -> Iterator[str]:
    gate = evaluation.gate
    yield f"## {status_of(gate)}: {escaped(evaluation.candidate, _NAME)}"
    yield escaped(gate.sentence, _SENTENCE)
    if gate.labels_needed is not None:
        yield f"Labels still needed: about {gate.labels_needed:,}."
    told = [check for check in gate.checks if check.warns or check.verdict is not GateVerdict.PASS]
    lines = [
        f"- {'warning' if check.warns else check.verdict.value}: {check.name.value}: "
        f"{escaped(check.detail, _SENTENCE // 2)}"
        for check in told[:_CHECKS]
    ]
    if len(told) > _CHECKS:
        lines.append(f"- and {len(told) - _CHECKS:,} more")
    if lines:
        yield "\n".join(lines)
    yield f"Writes: {threshold_sentence(evaluation.threshold)}"
    if evaluation.impact is not None:
        yield f"{impact_sentence(evaluation.impact)} {population_sentence(evaluation)}"


def _scores(evaluation: Evaluation) -> Iterator[str]:
    chosen = chosen_variant(evaluation)
    if chosen is not None:
        yield escaped(answers_sentence(chosen.name, chosen.scores), _SENTENCE)
    scored = [
        *((each.name, each.scores) for each in evaluation.variants),
        *((each.name, each.scores) for each in evaluation.baselines),
    ]
    rows = [
        (
            f"{escaped(name, _NAME)}{' (candidate)' if name == evaluation.candidate else ''}",
            f"{scores.answered:,}",
            *scores_line(scores),
        )
        for name, scores in scored[:_SCORED]
    ]
    yield _table(("labels of", "rows", "accuracy", "macro-F1", "kappa"), rows)


def _comparison(comparison: Comparison) -> Iterator[str]:
    old, new = escaped(comparison.baseline, _NAME), escaped(comparison.candidate, _NAME)
    yield f"### {new} beside {old}"
    yield escaped(comparison.sentence, _SENTENCE)
    rows = [
        (
            what,
            f"{test.only_candidate:,}",
            f"{test.only_baseline:,}",
            f"{test.both_wrong:,}",
            p_sentence(test.p_value),
            percent(test.p_regression),
        )
        for what, test in (("labels", comparison.labels), ("writes", comparison.writes))
    ]
    heads = ("of the", f"only {new} right", f"only {old} right", "both wrong", "mid-p McNemar")
    yield _table((*heads, "P(worse)"), rows)
    if comparison.macro_f1_difference is not None:
        yield f"Macro-F1: {points_with_bounds(comparison.macro_f1_difference)}."
    if comparison.flips:
        yield _flips(comparison, old, new)


def _flips(comparison: Comparison, old: str, new: str) -> str:
    total, shown = len(comparison.flips), comparison.flips[:_FLIPS]
    folded = f"{counted(total, 'row')} labelled differently"
    if total > len(shown):
        folded += f", the first {len(shown)}"
    lines = [_flip(each, old, new) for each in shown]
    items = "\n".join(lines)
    return f"<details><summary>{folded}</summary>\n\n{items}\n\n</details>"


def _flip(flip: Flip, old: str, new: str) -> str:
    title = f" {escaped(flip.title, _NAME)}" if flip.title else ""
    return (
        f"- **{flip.kind.value}** {escaped(flip.id, _NAME)}{title}: is {_label(flip.gold)}, {old} "
        f"says {_label(flip.baseline)} ({flip.baseline_confidence:.2f}), {new} says "
        f"{_label(flip.candidate)} ({flip.candidate_confidence:.2f})<br>{escaped(flip.text)}"
    )


def _vetoes(evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.vetoes:
        return
    yield "### Categories"
    yield escaped(veto_sentence(evaluation), _SENTENCE)
    vetoed = [veto for veto in evaluation.vetoes if veto.vetoed]
    if vetoed:
        rows = [
            (_label(veto.label), f"{veto.right:,} of {veto.n:,}", percent(veto.floor))
            for veto in vetoed[:_CHECKS]
        ]
        yield _table(("vetoed", "writes right", "floor"), rows)


def _footer(evaluation: Evaluation) -> Iterator[str]:
    gate, sample = evaluation.gate, evaluation.sample
    yield (
        f"<sub>{escaped(evaluation.suite, _NAME)}, {counted(sample.scored, 'row')} of "
        f"{escaped(sample.path, _NAME)}. {looks_sentence(evaluation.looks)} Fingerprint "
        f"{escaped(gate.fingerprint[:12])}, {evaluation.created_at:%Y-%m-%d %H:%M %Z}, kclassify "
        f"{escaped(gate.kclassify, _NAME)}</sub>"
    )


def _label(label: str | None) -> str:
    return escaped(named(label), _NAME)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, [" --- "] * len(heads), *rows]
    return "\n".join(f"|{'|'.join(f' {cell} ' for cell in line)}|" for line in lines)


def _bounded(parts: list[str]) -> str:
    """The parts up to the size that a site takes; no part is cut in its middle."""
    kept: list[str] = []
    left = MOST_CHARS - 200
    for part in parts:
        if len(part) + 2 > left:
            kept.append("The rest is left out here: it is in the page.")
            break
        kept.append(part)
        left -= len(part) + 2
    return "\n\n".join(kept) + "\n"
