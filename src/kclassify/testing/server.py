"""One request from arrival to reply, on the stub's event loop."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kclassify.testing import faults, records
from kclassify.testing.content import content_of
from kclassify.testing.delivery import Reply, deliver, reset
from kclassify.testing.failures import failure_of, failure_of_limit
from kclassify.testing.labels_file import first_fault
from kclassify.testing.plan_entries import Arrival
from kclassify.testing.replies import NoAnswerError
from kclassify.testing.wire import tokens

if TYPE_CHECKING:
    from kclassify.testing.latency import Latency
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.rate_limits import RateLimiter
    from kclassify.testing.replies import Replies
    from kclassify.testing.switches import FaultSwitches
    from kclassify.testing.timeline import Timeline
    from kclassify.testing.wire import Failure, Question, Wire

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
    elapsed: float
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the record shall say of a request, and what is sent after so many seconds.

    No reply means a hang.
    """

    name: str
    reply: Reply | None
    fault: faults.Fault | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Answers questions in any wire format, as the plan says of the time and of each request."""

    replies: Replies
    latency: Latency
    plan: FaultPlan
    switches: FaultSwitches
    limiter: RateLimiter | None
    log: records.RequestLog
    timeline: Timeline
    require_key: bool

    async def serve(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        """The response to one request, counted and recorded."""
        received = await self._receive(request)
        if self.plan.refuses(received.elapsed):
            return reset(request)
        headers = request.headers
        with self.log.visit(request.path, headers, received.body, received.at) as visit:
            outcome = self._decide(wire, visit.index, received)
            if outcome.reply is not None:
                await asyncio.sleep(outcome.delay_s)
            visit.settle(outcome.name, outcome.reply.status if outcome.reply else None)
            return await deliver(request, self._dated(wire, outcome.reply), outcome.fault)

    async def _receive(self, request: web.Request) -> Received:
        at, has_key = self.timeline.now(), records.has_key(request.headers)
        elapsed = self.timeline.elapsed(at)
        try:
            return Received(_BODY.validate_json(await request.read()), has_key, at, elapsed)
        except web.HTTPRequestEntityTooLarge:
            return Received(None, has_key, at, elapsed, oversized=True)
        except ValidationError:
            return Received(None, has_key, at, elapsed)

    def _decide(self, wire: Wire, index: int, received: Received) -> Outcome:
        if received.oversized:
            return _rejected(wire, records.MALFORMED, faults.TooLarge())
        if self.require_key and not received.has_key:
            return _rejected(wire, records.UNAUTHENTICATED, faults.Unauthorized())
        try:
            question = wire.read(_required(received.body))
        except ValueError as error:
            return _rejected(wire, records.MALFORMED, faults.BadRequest(_said(error)))
        arrival = Arrival(index, received.elapsed, question.item.text, question.model)
        outcome = self._admit(wire, question, received.at) or self._answer(wire, question, arrival)
        return replace(outcome, delay_s=self._delay(outcome, arrival))

    def _admit(self, wire: Wire, question: Question, at: float) -> Outcome | None:
        if self.limiter is None:
            return None
        limited = self.limiter.admit(at, tokens(question.characters))
        if limited is None:
            return None
        return _refused(wire, records.RATE_LIMITED, failure_of_limit(limited))

    def _delay(self, outcome: Outcome, arrival: Arrival) -> float:
        planned = self.plan.latency(arrival)
        if planned is not None:
            return planned.seconds(arrival.index)
        is_answer = outcome.reply is not None and outcome.reply.is_answer
        return self.latency.seconds(arrival.index) if is_answer else 0.0

    def _answer(self, wire: Wire, question: Question, arrival: Arrival) -> Outcome:
        fault = self.switches.choose(arrival)
        if isinstance(fault, faults.FrontDoorFault):
            return _rejected(wire, fault.kind, fault, question.model)
        if isinstance(fault, faults.Hang):
            return Outcome(fault.kind, None, fault)
        try:
            answer = self.replies.answer(question.item, question.shape.labels)
        except NoAnswerError as error:
            return _rejected(wire, records.UNANSWERABLE, faults.BadRequest(str(error)))
        identity = _identity()
        content = content_of(fault, answer, question.shape)
        if self.limiter is not None:
            self.limiter.answered(self.timeline.now(), tokens(len(content.text)))
        body = _encoded(wire.success(question, content, identity))
        reply = Reply(200, body, {"request-id": f"req_{identity}"})
        return Outcome(records.ANSWERED if fault is None else fault.kind, reply, fault)

    def _dated(self, wire: Wire, reply: Reply | None) -> Reply | None:
        if reply is None or self.limiter is None:
            return reply
        now = self.timeline.now()
        unix_time = self.timeline.unix_time(now)
        limits = wire.limits(self.limiter.standing(now), unix_time)
        date = {"date": formatdate(unix_time, usegmt=True)}
        return replace(reply, headers={**reply.headers, **limits, **date})


def _required(body: dict[str, Any] | None) -> dict[str, Any]:
    if body is None:
        raise ValueError("The request body is not valid JSON")
    return body


def _said(error: ValueError) -> str:
    return first_fault(error) if isinstance(error, ValidationError) else str(error)


def _rejected(wire: Wire, name: str, fault: faults.FrontDoorFault, model: str = "") -> Outcome:
    return replace(_refused(wire, name, failure_of(fault, model)), fault=fault)


def _refused(wire: Wire, name: str, failure: Failure) -> Outcome:
    identity = _identity()
    headers = {"request-id": f"req_{identity}", **failure.headers}
    body = _encoded(wire.failure(failure, identity))
    return Outcome(name, Reply(failure.status, body, headers))


def _identity() -> str:
    return f"{_RUN}{next(_NUMBERS):08x}"


def _encoded(body: dict[str, object]) -> bytes:
    # Surrogates that stand alone can come in as escapes, and must go out as such.
    return json.dumps(body).encode()
