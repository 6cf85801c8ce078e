"""What `kclassify eval` prints: a sentence first, then what it rests on, then what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from kclassify.cli.exit_status import INCOMPLETE
from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.wording import counts, plural, shown
from kclassify.core.evaluation import Comparison, Evaluation, Scores, VariantResult
from kclassify.core.gate import GateVerdict
from kclassify.core.verdict import OutcomeKind
from kclassify.evals.evaluate import Evaluated, Unfinished
from kclassify.evals.labelled import Frame, Split
from kclassify.report.numbers import points_with_bounds, seconds
from kclassify.report.wording import (
    impact_sentence,
    looks_sentence,
    noise_sentence,
    population_sentence,
    scores_line,
    status_of,
    threshold_sentence,
    veto_sentence,
)

_FAILURES = [kind for kind in OutcomeKind if kind.is_failure and kind is not OutcomeKind.EMPTY]
_RETRY = "`kclassify eval --retry-failed` asks again about them."


def say_evaluation(found: Evaluated, written: Sequence[Path]) -> None:
    """Print it for people."""
    evaluation = found.evaluation
    gate = evaluation.gate
    say(f"{status_of(gate)}: {shown(gate.sentence)}")
    say()
    _say_scores(evaluation)
    for variant in evaluation.variants:
        _say_failures(variant)
    for comparison in evaluation.comparisons:
        _say_comparison(comparison)
    say()
    for line in _findings(evaluation):
        say(shown(line))
    say()
    for line in _warnings(evaluation):
        say(f"warning: {shown(line)}")
    for path in (found.record, *written):
        say(f"wrote {shown(path)}")
    say(_next(evaluation))


def say_unfinished(found: Unfinished, *, as_json: bool, replay_only: bool) -> None:
    """Say what is missing, and how to go on."""
    if as_json:
        say_json(
            {
                "incomplete": True,
                "variant": found.variant,
                "reason": found.reason,
                "missing": found.missing,
                "exit_status": INCOMPLETE,
            }
        )
        return
    answers = plural(found.missing, "answer")
    say(f"Incomplete: {answers} of {shown(found.variant)!r} are missing: {shown(found.reason)}")
    if replay_only:
        say("Run the same command without --replay-only to ask for them.")
    else:
        say("What was answered is kept: the same command goes on where this one stopped.")


def _say_scores(evaluation: Evaluation) -> None:
    rows: list[tuple[str, ...]] = []
    for variant in evaluation.variants:
        marked = " (candidate)" if variant.name == evaluation.candidate else ""
        rows.append(_scored(f"{variant.name}{marked}", variant.scores))
    rows += [_scored(each.name, each.scores) for each in evaluation.baselines]
    say_table(("labels of", "answered", "without", "accuracy", "macro-F1", "kappa"), rows)


def _scored(name: str, scores: Scores) -> tuple[str, ...]:
    without = sum(scores.unanswered.values())
    return (name, f"{scores.answered:,}", f"{without:,}", *scores_line(scores))


def _say_failures(variant: VariantResult) -> None:
    """Rows that it abstained from are answered, and an empty one never will be."""
    unanswered = variant.scores.unanswered
    failed = {kind.value: unanswered[kind] for kind in _FAILURES if kind in unanswered}
    if failed:
        rows = plural(sum(failed.values()), "row")
        say(f"{shown(variant.name)} gave no usable answer to {rows} ({counts(failed)}): {_RETRY}")


def _say_comparison(comparison: Comparison) -> None:
    say()
    say(shown(comparison.sentence))
    if comparison.macro_f1_difference is not None:
        say(f"Macro-F1: {points_with_bounds(comparison.macro_f1_difference)}.")


def _findings(evaluation: Evaluation) -> Iterator[str]:
    yield threshold_sentence(evaluation.threshold)
    yield veto_sentence(evaluation)
    if evaluation.impact is not None:
        yield f"{impact_sentence(evaluation.impact)} {population_sentence(evaluation)}"
    for variant in evaluation.variants:
        if variant.noise is not None:
            yield noise_sentence(variant.name, variant.noise)
        yield _cost(variant)
    yield looks_sentence(evaluation.looks)


def _cost(variant: VariantResult) -> str:
    cost = variant.cost
    tokens = f"{cost.input_tokens:,} tokens in, {cost.output_tokens:,} out"
    said = f"{variant.name!r} took {plural(cost.calls, 'call')}, {plural(cost.replayed, 'replay')}"
    if cost.latency_p50_s is None:
        return f"{said}: {tokens}."
    median, most = seconds(cost.latency_p50_s), seconds(cost.latency_p95_s)
    return f"{said}: {tokens}; half of the calls within {median}, 95% within {most}."


def _warnings(evaluation: Evaluation) -> list[str]:
    checks = [check.detail for check in evaluation.gate.checks if check.warns]
    return list(dict.fromkeys([*checks, *evaluation.sample.warnings]))


def _next(evaluation: Evaluation) -> str:
    gate = evaluation.gate
    match gate.verdict:
        case GateVerdict.PASS if gate.sample.split == Split.DEV:
            return "Next: `kclassify eval --holdout`, since only the sealed holdout opens a commit."
        case GateVerdict.PASS:
            return "Next: `kclassify commit`, with this record as [gate] record."
        case GateVerdict.FAIL:
            return "Next: look at what is wrong, change taxonomy or prompt, and evaluate again."
        case GateVerdict.INCONCLUSIVE:
            if gate.is_stale:
                return "Next: `kclassify dry-run`, then draw a new sample and label it."
            if gate.labels_needed is None:
                return "Next: label more rows with `kclassify label`, and evaluate again."
            return _more_labels(evaluation, gate.labels_needed)


def _more_labels(evaluation: Evaluation, needed: int) -> str:
    """How to get them. Only some rows are writes, and with a holdout only some are scored."""
    sample, points = evaluation.sample, evaluation.threshold.points
    told = f"Labels still needed: about {plural(needed, 'more label', 'more labels')} of writes"
    writes = points[-1].writes if points else 0
    rows = math.ceil(needed * sample.rows / writes) if writes else needed
    if rows <= sample.unlabelled:
        return f"{told}: label the rows that have none with `kclassify label`, and evaluate again."
    if Frame.TOP_UP in sample.frames:
        command = "kclassify sample --frame top-up` and a larger `--per-category"
    else:
        frame = "--frame uniform " if Frame.UNIFORM in sample.frames else ""
        share = " --holdout SHARE" if sample.split in tuple(Split) else ""
        command = f"kclassify sample {frame}--size {sample.rows + rows}{share}"
    return f"{told}: draw them with `{command}`, then label them with `kclassify label`."
