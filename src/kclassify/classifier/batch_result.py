"""Reads a line of a batch's results: what came of one request."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from kclassify.classifier.answer import Answer, Failure, FailureKind
from kclassify.classifier.batch_failure import request_failed
from kclassify.classifier.completion import read_completion
from kclassify.classifier.mapping import Spent, settle_answer, settle_failure
from kclassify.classifier.noise import hushed
from kclassify.classifier.reply import fault_of
from kclassify.core.batch import BatchResult, ResultKind, read_custom_id
from kclassify.core.verdict import Outcome, OutcomeKind, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.classifier.redaction import Redaction
    from kclassify.core.decision import Halt
    from kclassify.core.price import Price
    from kclassify.core.taxonomy import Taxonomy


def name_in(line: bytes) -> tuple[str, str] | None:
    """The nonce and the digest that name the request of a result; None where it has no such name.

    Raises `ValueError` for a line that is no JSON.
    """
    return _name(_mapping(json.loads(line)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReader:
    """Settles results as direct replies are settled. `price` is None where batches have none.

    An item's text is not at hand here, so that nothing a model or a provider said is quoted that
    might quote it.
    """

    provider: InstructorProvider
    model: ChosenModel
    taxonomy: Taxonomy[str]
    redaction: Redaction
    price: Price | None
    one_hour: bool

    def read(self, line: bytes, nonce: str) -> BatchResult | None:
        """The result in a line of JSON; None when it is of no request with this nonce.

        Raises `ValueError` for a line that is none.
        """
        said = _mapping(json.loads(line))
        name, result = _name(said), _mapping(said.get("result"))
        if name is None or name[0] != nonce:
            return None
        kind = _kind(result.get("type"))
        return BatchResult(name[1], kind, self._outcome(kind, result))

    def _outcome(self, kind: ResultKind, result: Mapping[str, object]) -> Outcome[str] | Halt:
        match kind:
            case ResultKind.SUCCEEDED:
                return self._settled(_mapping(result.get("message")))
            case ResultKind.EXPIRED:
                return self._free(OutcomeKind.TIMED_OUT, "expired in the batch")
            case ResultKind.CANCELED:
                return self._free(OutcomeKind.UNAVAILABLE, "canceled")
            case ResultKind.ERRORED:
                error = _mapping(result.get("error"))
                return request_failed(error, self.model, self.redaction, self._spent(Usage()))

    def _free(self, kind: OutcomeKind, detail: str) -> Outcome[str]:
        return self._spent(Usage()).outcome(kind, detail)

    def _settled(self, message: Mapping[str, Any]) -> Outcome[str] | Halt:
        answer = _answer(self.provider, message)
        if answer is None:
            broken = Failure(FailureKind.BROKEN_BODY)
            return settle_failure(broken, self.model, self._spent(Usage()))
        problem = fault_of(answer.problem) if answer.problem else ""
        named = replace(answer, model=answer.model or self.model.name, problem=problem)
        return settle_answer(named, self.taxonomy, self._spent(answer.usage))

    def _spent(self, usage: Usage) -> Spent:
        if self.price is None:
            return Spent(usage)
        return Spent(usage, cost=self.price.cost(usage, batch=True, one_hour=self.one_hour))


def _answer(provider: InstructorProvider, message: Mapping[str, Any]) -> Answer | None:
    """What the libraries make of a message, by the parser that reads direct replies."""
    from anthropic.types import Message  # noqa: PLC0415

    completion, reply, raised = None, None, None
    try:
        with hushed():
            completion = Message.construct(**message)
            reply = _parse(provider, completion)
    except Exception as error:  # noqa: BLE001 - whatever a provider's library raises ends here
        raised = error
    return read_completion(completion, reply, raised)


def _parse(provider: InstructorProvider, completion: object) -> Any:  # noqa: ANN401 - instructor's
    prepared: Any = provider.reply_model
    client = provider.client
    return prepared.from_response(
        completion, mode=client.mode, provider=client.provider, strict=True
    )


def _name(said: Mapping[str, object]) -> tuple[str, str] | None:
    name = said.get("custom_id")
    return read_custom_id(name) if isinstance(name, str) else None


def _kind(told: object) -> ResultKind:
    """A kind that nobody knows yet is an error."""
    known = {str(kind): kind for kind in ResultKind}
    return known.get(str(told), ResultKind.ERRORED)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
