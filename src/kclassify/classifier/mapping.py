"""Every way a call can end, mapped to one outcome or to `Halt`: the table in docs/outcomes.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Never, TypeVar

from kclassify.classifier.answer import Answer, Failure, FailureKind, Stop
from kclassify.classifier.model import ChosenModel
from kclassify.core.decision import Halt
from kclassify.core.spending import Charge
from kclassify.core.taxonomy import Taxonomy
from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict

L = TypeVar("L", bound=str)

_SPENT_CODES = frozenset(
    {
        "billing_error",
        "billing_hard_limit_reached",
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "insufficient_quota",
    }
)
_SPENT_WORDS = re.compile(
    r"credit balance is too low|reached your specified (?:workspace )?API usage limits",
    re.IGNORECASE,
)
_SHUT_WORDS = re.compile(
    r"organi[sz]ation has been disabled|account (?:is|has been) (?:de|dis)", re.IGNORECASE
)
_LONG_CODES = frozenset({"context_length_exceeded", "request_too_large", "string_above_max_length"})
_LONG_WORDS = re.compile(
    r"prompt is too long|maximum context length|context (?:window|length)|too many tokens",
    re.IGNORECASE,
)
_UNKNOWN_MODEL_CODES = frozenset({"model_not_found"})
_MEND_ADDRESS = "check the base URL, and the proxy with its password"
_KEY_VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
_STOPPED = {
    Stop.REFUSED: (OutcomeKind.REFUSED, "the model declined to answer"),
    Stop.TRUNCATED: (OutcomeKind.TRUNCATED, "the reply reached max_tokens"),
    Stop.CONTEXT_FULL: (OutcomeKind.TOO_LONG, "the model's context was full before it replied"),
}
_CONNECTION = {
    FailureKind.TIMEOUT: (OutcomeKind.TIMED_OUT, "no answer in time"),
    FailureKind.CONNECTION: (OutcomeKind.UNAVAILABLE, "no connection"),
    FailureKind.BROKEN_BODY: (OutcomeKind.UNAVAILABLE, "the answer is not one of this API"),
    FailureKind.UNEXPECTED: (OutcomeKind.UNAVAILABLE, "unexpected"),
}
# A server that gives up waiting, loses a race, or is not ready has not judged the item.
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
_ITEM_STATUSES = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call has used up so far, and how much of the item the model was not shown.

    `cost` is what that comes to in nanodollars, None where no price is known; `uncertain` what a
    question whose answer nobody saw can have cost beyond that, at most: None, if it is not known.
    `questions` is how many were or may have been answered.
    """

    usage: Usage = field(default_factory=Usage)
    body_chars_cut: int = 0
    cost: int | None = None
    uncertain: int | None = 0
    questions: int = 1

    def outcome(
        self, kind: OutcomeKind, detail: str, retry_after_s: float | None = None
    ) -> Outcome[Never]:
        """An outcome without a verdict."""
        return Outcome(
            kind,
            None,
            detail,
            self.usage,
            retry_after_s=retry_after_s,
            body_chars_cut=self.body_chars_cut,
            cost=self.cost,
            uncertain=self.uncertain,
            questions=self.questions,
        )


def settle_answer(answer: Answer, taxonomy: Taxonomy[L], spent: Spent) -> Outcome[L]:
    """The outcome of an answer. Why the model stopped comes before what it said."""
    if answer.stop in _STOPPED:
        return spent.outcome(*_STOPPED[answer.stop])
    if answer.problem:
        return spent.outcome(OutcomeKind.INVALID, answer.problem)
    if answer.label is None:
        return spent.outcome(OutcomeKind.ABSTAINED, "the model says that no category fits")
    label = taxonomy.label(answer.label)
    return Outcome(
        OutcomeKind.JUDGED,
        Verdict(label, answer.confidence, answer.model, spent.usage),
        usage=spent.usage,
        body_chars_cut=spent.body_chars_cut,
        rate_limits=answer.rate_limits,
        cost=spent.cost,
        uncertain=spent.uncertain,
        questions=spent.questions,
    )


def settle_failure(failure: Failure, model: ChosenModel, spent: Spent) -> Outcome[Never] | Halt:
    """The outcome of a call without an answer, or why no call can get one.

    A halt tells what the first question of the call came to.
    """
    halt = _halt(failure, model)
    if halt:
        return Halt(halt, Charge.of(spent.outcome(OutcomeKind.UNAVAILABLE, halt)))
    kind, detail = _kind(failure)
    return spent.outcome(kind, detail, failure.retry_after_s)


def _halt(failure: Failure, model: ChosenModel) -> str:
    said = _quoted(failure)
    match failure.kind:
        case FailureKind.CREDENTIALS:
            return f"{model.provider}: no credentials: {_set_key(model)}"
        case FailureKind.CERTIFICATE:
            return f"{model.provider}: the server's certificate is not trusted{said}: mend it, or \
name its authority in SSL_CERT_FILE"
        case FailureKind.UNSENDABLE:
            return f"{model.provider}: no request can be sent{said}: {_MEND_ADDRESS}, and the \
key for a line break"
        case FailureKind.STATUS:
            return _halt_of_status(failure, model, said)
        case _:
            return ""


def _halt_of_status(failure: Failure, model: ChosenModel, said: str) -> str:
    status, asked = failure.status, f"{model.provider} answered {failure.status}"
    if _is_spent(failure):
        return f"{asked}: the spend limit is reached or the credit is used up{said}: raise it at \
the provider, then run again"
    if status == HTTPStatus.UNAUTHORIZED:
        return f"{asked}: the credentials are not accepted: {_set_key(model)}"
    if status == HTTPStatus.FORBIDDEN or _SHUT_WORDS.search(failure.message):
        return f"{asked}: this key may not use {model.told}{said}: use a key that may"
    if status == HTTPStatus.NOT_FOUND or failure.codes & _UNKNOWN_MODEL_CODES:
        return f"{asked}: model {model.told} is not known there{said}: name another model, or \
check the base URL"
    if _is_wrong_endpoint(status):
        return f"{asked}: this is not the API of {model.provider}{said}: {_MEND_ADDRESS}"
    return ""


def _is_spent(failure: Failure) -> bool:
    paying = failure.status == HTTPStatus.PAYMENT_REQUIRED or failure.codes & _SPENT_CODES
    return bool(paying or _SPENT_WORDS.search(failure.message))


def _is_wrong_endpoint(status: int) -> bool:
    accounted = _ITEM_STATUSES | _PASSING
    known = {*accounted, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS}
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in known


def _kind(failure: Failure) -> tuple[OutcomeKind, str]:
    if failure.kind is not FailureKind.STATUS:
        kind, words = _CONNECTION[failure.kind]
        return kind, f"{words}{_quoted(failure)}"
    status, detail = failure.status, f"{failure.status}{_quoted(failure)}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return OutcomeKind.THROTTLED, detail
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeKind.UNAVAILABLE, detail
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _is_long(failure):
        return OutcomeKind.TOO_LONG, detail
    return OutcomeKind.REJECTED, detail


def _is_long(failure: Failure) -> bool:
    return bool(failure.codes & _LONG_CODES or _LONG_WORDS.search(failure.message))


def _quoted(failure: Failure) -> str:
    return f" ({failure.message})" if failure.message else ""


def _set_key(model: ChosenModel) -> str:
    variable = _KEY_VARIABLES.get(model.provider, f"{model.provider.upper()}_API_KEY")
    return f"set {variable} to a valid key"
