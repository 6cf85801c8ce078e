"""How each request of a batch ends, as its line among the results says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kclassify.testing import faults, records
from kclassify.testing.batch_records import BatchRequestRecord
from kclassify.testing.failures import failure_of
from kclassify.testing.plan_entries import Arrival
from kclassify.testing.replies import NoAnswerError
from kclassify.testing.server import encoded, said
from kclassify.testing.wire_anthropic import AnthropicWire

if TYPE_CHECKING:
    from kclassify.testing.answering import Answerer
    from kclassify.testing.batch_rules import BatchRules
    from kclassify.testing.batches import StoredBatch, Submitted
    from kclassify.testing.bill import Billing
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.wire import Question

_WIRE = AnthropicWire()
_ANSWERED_ANYWAY = (faults.LostReply, faults.Reset, faults.ResetAtOnce, faults.Trickle)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What is remembered of a request that ended, and its line of the results."""

    record: BatchRequestRecord
    line: bytes


@dataclass(frozen=True, slots=True)
class BatchWork:
    """Works through batches: by the plan, then by the rules, then by what the replies say."""

    answerer: Answerer
    billing: Billing
    plan: FaultPlan

    def results(self, batch: StoredBatch, rules: BatchRules, now: float) -> list[BatchResult]:
        """What became of each request of a batch that ends now, in their order."""
        return [
            _Ending(self, batch, rules, now, part).result(request)
            for part, request in enumerate(batch.requests)
        ]


@dataclass(frozen=True, slots=True)
class _Ending:
    """One request at the end of its batch."""

    work: BatchWork
    batch: StoredBatch
    rules: BatchRules
    now: float
    part: int

    def result(self, request: Submitted) -> BatchResult:
        left = self._left_undone(request.custom_id)
        if left is not None:
            return _ended(request, left, left, {"type": left})
        try:
            question = _WIRE.read(request.params)
        except ValueError as error:
            return _errored(request, records.MALFORMED, faults.BadRequest(said(error)))
        fault = self._fault(request.custom_id, question)
        if isinstance(fault, faults.Hang):
            return _ended(request, "expired", "expired", {"type": "expired"})
        if isinstance(fault, faults.FrontDoorFault):
            return _errored(request, fault.kind, fault, question.model)
        return self._answered(request, question, fault)

    def _left_undone(self, custom_id: str) -> Literal["canceled", "expired"] | None:
        """Whether its turn had not come when the batch was canceled, or expired."""
        canceled, created = self.batch.canceled, self.batch.created
        if canceled is None:
            expired = self.rules.seconds is None or self.rules.seconds > self.rules.expires_s
            return "expired" if expired and self.now >= created + self.rules.expires_s else None
        seconds = self.rules.seconds
        done = 0.0 if seconds is None else (canceled - created) / seconds if seconds else 1.0
        waits = self.rules.progress(self.batch.number, custom_id) >= done
        return "canceled" if waits else None

    def _fault(self, custom_id: str, question: Question) -> faults.Fault | None:
        came = self.batch.arrival
        arrival = Arrival(
            came.index,
            came.elapsed,
            question.item.text,
            question.model,
            "batch_request",
            self.part,
        )
        planned = self.work.plan.choose(arrival)
        return planned or self.rules.fault(self.batch.number, custom_id)

    def _answered(
        self, request: Submitted, question: Question, fault: faults.Fault | None
    ) -> BatchResult:
        fault = None if isinstance(fault, _ANSWERED_ANYWAY) else fault
        answerer = self.work.answerer
        try:
            answered = answerer.answer(_WIRE, question, fault, self.now)
        except NoAnswerError as error:
            return _errored(request, records.UNANSWERABLE, faults.BadRequest(str(error)))
        answerer.cache.store(answered.model, answered.written, self.now)
        self.work.billing.charge(answered.model, answered.used, is_batch=True)
        name = records.ANSWERED if fault is None else fault.kind
        return _ended(request, "succeeded", name, {"type": "succeeded", "message": answered.body})


def _errored(
    request: Submitted, outcome: str, fault: faults.FrontDoorFault, model: str = ""
) -> BatchResult:
    error = _WIRE.failure(failure_of(fault, model), "")
    told = {**error, "request_id": None}
    return _ended(request, "errored", outcome, {"type": "errored", "error": told})


def _ended(
    request: Submitted,
    ending: Literal["succeeded", "errored", "canceled", "expired"],
    outcome: str,
    result: dict[str, object],
) -> BatchResult:
    record = BatchRequestRecord(request.custom_id, request.params, ending, outcome)
    line = encoded({"custom_id": request.custom_id, "result": result}) + b"\n"
    return BatchResult(record, line)
