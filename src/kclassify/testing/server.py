"""One request from arrival to reply, on the stub's event loop."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kclassify.testing import faults, records
from kclassify.testing.content import content_of
from kclassify.testing.delivery import Reply, deliver
from kclassify.testing.failures import failure_of
from kclassify.testing.labels_file import first_fault
from kclassify.testing.plan import Arrival
from kclassify.testing.replies import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.testing.latency import Latency
    from kclassify.testing.replies import Replies
    from kclassify.testing.switches import FaultSwitches
    from kclassify.testing.wire import Question, Wire

MAX_REQUEST_BYTES = 32 * 2**20
"""The size above which a request gets a 413, as at the real API."""

_BODY = TypeAdapter(dict[str, Any])
_RUN = uuid4().hex[:12]
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived: `body` is None when it was no JSON object or too large."""

    body: dict[str, Any] | None
    has_key: bool
    at: float
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the record shall say of a request, and what is sent: no reply means a hang."""

    name: str
    reply: Reply | None
    fault: faults.Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Answers questions in any wire format; `started` is where its clock stood at the start."""

    replies: Replies
    latency: Latency
    switches: FaultSwitches
    log: records.RequestLog
    clock: Callable[[], float]
    started: float
    require_key: bool

    async def serve(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        """The response to one request, counted and recorded."""
        received = await self._receive(request)
        headers = request.headers
        with self.log.visit(request.path, headers, received.body, received.at) as visit:
            outcome = self._decide(wire, visit.index, received)
            if outcome.reply is not None and outcome.reply.is_answer:
                await asyncio.sleep(self.latency.seconds(visit.index))
            visit.settle(outcome.name, outcome.reply.status if outcome.reply else None)
            return await deliver(request, outcome.reply, outcome.fault)

    async def _receive(self, request: web.Request) -> Received:
        at, has_key = self.clock(), records.has_key(request.headers)
        try:
            return Received(_BODY.validate_json(await request.read()), has_key, at)
        except web.HTTPRequestEntityTooLarge:
            return Received(None, has_key, at, oversized=True)
        except ValidationError:
            return Received(None, has_key, at)

    def _decide(self, wire: Wire, index: int, received: Received) -> Outcome:
        if received.oversized:
            return _refused(wire, records.MALFORMED, faults.TooLarge())
        if self.require_key and not received.has_key:
            return _refused(wire, records.UNAUTHENTICATED, faults.Unauthorized())
        try:
            question = wire.read(_required(received.body))
        except ValueError as error:
            return _refused(wire, records.MALFORMED, faults.BadRequest(_said(error)))
        elapsed = received.at - self.started
        arrival = Arrival(index, elapsed, question.item.text, question.model)
        return self._answer(wire, question, self.switches.choose(arrival))

    def _answer(self, wire: Wire, question: Question, fault: faults.Fault | None) -> Outcome:
        if isinstance(fault, faults.FrontDoorFault):
            return _refused(wire, fault.kind, fault, question.model)
        if isinstance(fault, faults.Hang):
            return Outcome(fault.kind, None, fault)
        try:
            answer = self.replies.answer(question.item, question.shape.labels)
        except NoAnswerError as error:
            return _refused(wire, records.UNANSWERABLE, faults.BadRequest(str(error)))
        identity = _identity()
        content = content_of(fault, answer, question.shape)
        body = _encoded(wire.success(question, content, identity))
        reply = Reply(200, body, {"request-id": f"req_{identity}"})
        return Outcome(records.ANSWERED if fault is None else fault.kind, reply, fault)


def _required(body: dict[str, Any] | None) -> dict[str, Any]:
    if body is None:
        raise ValueError("The request body is not valid JSON")
    return body


def _said(error: ValueError) -> str:
    return first_fault(error) if isinstance(error, ValidationError) else str(error)


def _refused(wire: Wire, name: str, fault: faults.FrontDoorFault, model: str = "") -> Outcome:
    identity, failure = _identity(), failure_of(fault, model)
    headers = {"request-id": f"req_{identity}", **failure.headers}
    body = _encoded(wire.failure(failure, identity))
    return Outcome(name, Reply(failure.status, body, headers))


def _identity() -> str:
    return f"{_RUN}{next(_NUMBERS):08x}"


def _encoded(body: dict[str, object]) -> bytes:
    # Surrogates that stand alone can come in as escapes, and must go out as such.
    return json.dumps(body).encode()
