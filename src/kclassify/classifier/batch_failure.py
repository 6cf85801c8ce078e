"""What a failure means: of an endpoint of batches, or of one request within a batch."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Never, cast

from kclassify.classifier.batch_words import own_words
from kclassify.classifier.failure import read_failure
from kclassify.classifier.mapping import Spent, settle_failure
from kclassify.classifier.redaction import Redaction
from kclassify.core.decision import Halt
from kclassify.core.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.classifier.answer import Failure
    from kclassify.classifier.model import ChosenModel

UNREADABLE = "the answer is not one of this API"
# A direct call that fails so has this status.
_STATUSES = {
    "invalid_request_error": HTTPStatus.BAD_REQUEST,
    "authentication_error": HTTPStatus.UNAUTHORIZED,
    "billing_error": HTTPStatus.PAYMENT_REQUIRED,
    "permission_error": HTTPStatus.FORBIDDEN,
    "not_found_error": HTTPStatus.NOT_FOUND,
    "request_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "rate_limit_error": HTTPStatus.TOO_MANY_REQUESTS,
    "timeout_error": HTTPStatus.GATEWAY_TIMEOUT,
    "overloaded_error": 529,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that was asked. `told` names it, `mend` is what helps when it will not answer.

    `quotes_items` says that items were in the request, so that an error may quote them.
    """

    told: str
    mend: str = "check the base URL"
    quotes_items: bool = False


def endpoint_failed(
    error: BaseException, endpoint: Endpoint, model: ChosenModel, redaction: Redaction
) -> Outcome[Never] | Halt:
    """An outcome of availability, or why the endpoint will not answer until somebody mends it."""
    failure = read_failure(error, redaction, time.time())
    if endpoint.quotes_items:
        failure = _in_own_words(failure)
    if failure.status == HTTPStatus.NOT_FOUND:
        return _will_not(f"404{_quoted(failure)}", endpoint, model)
    settled = settle_failure(failure, model, Spent())
    if isinstance(settled, Halt) or settled.kind.is_availability:
        return settled
    return _will_not(settled.detail, endpoint, model)


def request_failed(
    error: Mapping[str, object], model: ChosenModel, redaction: Redaction, spent: Spent
) -> Outcome[Never] | Halt:
    """What an error within a batch is for its item: the same as that of a direct call."""
    failure = read_failure(_ErroredError(error), redaction, time.time())
    return settle_failure(_in_own_words(failure), model, spent)


class _ErroredError(Exception):
    """An error in a batch's results, in the shape of the library's own errors."""

    def __init__(self, body: Mapping[str, object]) -> None:
        super().__init__()
        self.body = body
        told = body.get("error")
        kind = cast("dict[str, object]", told).get("type") if isinstance(told, dict) else None
        self.status_code = int(_STATUSES.get(str(kind), HTTPStatus.INTERNAL_SERVER_ERROR))


def _in_own_words(failure: Failure) -> Failure:
    return replace(failure, message=own_words(failure.message))


def _will_not(answer: str, endpoint: Endpoint, model: ChosenModel) -> Halt:
    return Halt(f"{model.provider} answered {answer} to {endpoint.told}: {endpoint.mend}")


def _quoted(failure: Failure) -> str:
    return f" ({failure.message})" if failure.message else ""
