"""`kclassify eval plan`: how many labels a question needs."""

from __future__ import annotations

from dataclasses import dataclass

from kclassify.cli.output import say, say_json
from kclassify.cli.wording import plural
from kclassify.errors import UsageError
from kclassify.evals.planner import labels_to_certify, rows_to_show

_ALPHA, _DELTA = 0.05, 0.10


@dataclass(frozen=True, slots=True)
class Question:
    """Either a difference at a discordance, or a precision and what it is in truth: shares."""

    difference: float | None
    discordance: float | None
    precision: float | None
    true: float | None
    power: float
    alpha: float | None


def report_plan(question: Question, *, as_json: bool) -> None:
    """Print the labels that are needed. Raises `UsageError` for half a question, or two."""
    told: dict[str, object]
    match question:
        case Question(float() as difference, float() as discordance, None, None):
            alpha = _ALPHA if question.alpha is None else question.alpha
            labels = rows_to_show(difference, discordance, question.power, alpha)
            told = {"difference": difference, "discordance": discordance}
            sentence = (
                f"{plural(labels, 'labelled row')} to see a difference of {difference:.1%} between "
                f"two variants, of which only one is right on {discordance:.1%} of the rows"
            )
        case Question(None, None, float() as precision, float() as true):
            alpha = _DELTA if question.alpha is None else question.alpha
            labels = labels_to_certify(true, precision, alpha, question.power)
            told = {"precision": precision, "true": true}
            sentence = (
                f"{plural(labels, 'labelled write')} to certify a write precision of "
                f"{precision:.1%}, if {true:.1%} of the writes are right"
            )
        case _:
            raise UsageError(
                "ask for one thing: --difference with --discordance (to compare two variants), or "
                "--precision with --true (to certify the writes)"
            )
    if as_json:
        say_json({**told, "power": question.power, "alpha": alpha, "labels": labels})
    else:
        say(f"{sentence} (power {question.power:.0%}, error {alpha:g}).")
