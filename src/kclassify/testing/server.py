"""One request from arrival to reply, on the stub's event loop."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from kclassify.testing import faults, records
from kclassify.testing.answering import Answered, Answerer, new_identity
from kclassify.testing.delivery import Reply, deliver, reset
from kclassify.testing.failures import failure_of, failure_of_limit
from kclassify.testing.labels_file import first_fault
from kclassify.testing.plan_entries import Arrival
from kclassify.testing.replies import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.testing.bill import Billing
    from kclassify.testing.latency import Latency
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.rate_limits import RateLimiter
    from kclassify.testing.switches import FaultSwitches
    from kclassify.testing.timeline import Timeline
    from kclassify.testing.wire import Failure, Question, Wire

MAX_REQUEST_BYTES = 32 * 2**20
"""The size above which a request gets a 413, as at the real API."""

_BODY = TypeAdapter(dict[str, Any])


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

    No reply means a hang. `answered` is what to bill as it is sent, where a model worked on it.
    """

    name: str
    reply: Reply | None
    fault: faults.Fault | None = None
    delay_s: float = 0.0
    answered: Answered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Answers questions in any wire format, as the plan says of the time and of each request."""

    answerer: Answerer
    billing: Billing
    latency: Latency
    plan: FaultPlan
    switches: FaultSwitches
    limiter: RateLimiter | None
    log: records.RequestLog
    timeline: Timeline
    require_key: bool

    async def serve(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        """The response to a question, counted and recorded."""
        return await self.respond(request, wire, partial(self._decide, wire))

    async def respond(
        self,
        request: web.Request,
        wire: Wire,
        decide: Callable[[int, Received], Outcome],
        max_bytes: int = MAX_REQUEST_BYTES,
    ) -> web.StreamResponse:
        """The response to one request, as `decide` says of its index and of what was received."""
        received = await self._receive(request.clone(client_max_size=max_bytes))
        if self.plan.refuses(received.elapsed):
            return reset(request)
        headers = request.headers
        with self.log.visit(request.path, headers, received.body, received.at) as visit:
            outcome = decide(visit.index, received)
            if outcome.reply is not None:
                await asyncio.sleep(outcome.delay_s)
            if request.transport is None or request.transport.is_closing():
                # Dropped by a pause, and not cancelled yet: nothing would be sent.
                raise asyncio.CancelledError
            self._account(outcome)
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

    def refused_at_the_door(self, wire: Wire, received: Received) -> Outcome | None:
        """What is said to a request that is too large or has no key; None to any other."""
        if received.oversized:
            return rejected(wire, records.MALFORMED, faults.TooLarge())
        if self.require_key and not received.has_key:
            return rejected(wire, records.UNAUTHENTICATED, faults.Unauthorized())
        return None

    def _account(self, outcome: Outcome) -> None:
        """An answer is billed, and what it wrote can be read, as its first byte is sent."""
        answered = outcome.answered
        if answered is None or isinstance(outcome.fault, faults.ResetAtOnce):
            return
        self.answerer.cache.store(answered.model, answered.written, self.timeline.now())
        self.billing.charge(answered.model, answered.used, is_batch=False)

    def _decide(self, wire: Wire, index: int, received: Received) -> Outcome:
        refused = self.refused_at_the_door(wire, received)
        if refused is not None:
            return refused
        try:
            question = wire.read(required(received.body))
        except ValueError as error:
            return rejected(wire, records.MALFORMED, faults.BadRequest(said(error)))
        arrival = Arrival(index, received.elapsed, question.item.text, question.model)
        outcome = self._admit(wire, question, received.at) or self._answer(wire, question, arrival)
        return replace(outcome, delay_s=self._delay(outcome, arrival))

    def _admit(self, wire: Wire, question: Question, at: float) -> Outcome | None:
        if self.limiter is None:
            return None
        limited = self.limiter.admit(at, self.answerer.tokens(question.characters))
        if limited is None:
            return None
        return refused(wire, records.RATE_LIMITED, failure_of_limit(limited))

    def _delay(self, outcome: Outcome, arrival: Arrival) -> float:
        planned = self.plan.latency(arrival)
        if planned is not None:
            return planned.seconds(arrival.index)
        is_answer = outcome.reply is not None and outcome.reply.is_answer
        return self.latency.seconds(arrival.index) if is_answer else 0.0

    def _answer(self, wire: Wire, question: Question, arrival: Arrival) -> Outcome:
        fault = self.switches.choose(arrival)
        if isinstance(fault, faults.FrontDoorFault):
            return rejected(wire, fault.kind, fault, question.model)
        if isinstance(fault, faults.Hang):
            return Outcome(fault.kind, None, fault)
        try:
            answered = self.answerer.answer(wire, question, fault, self.timeline.now())
        except NoAnswerError as error:
            return rejected(wire, records.UNANSWERABLE, faults.BadRequest(str(error)))
        if self.limiter is not None:
            self.limiter.answered(self.timeline.now(), answered.used.output)
        reply = Reply(200, encoded(answered.body), {"request-id": f"req_{answered.identity}"})
        name = records.ANSWERED if fault is None else fault.kind
        return Outcome(name, reply, fault, answered=answered)

    def _dated(self, wire: Wire, reply: Reply | None) -> Reply | None:
        if reply is None or self.limiter is None:
            return reply
        now = self.timeline.now()
        unix_time = self.timeline.unix_time(now)
        limits = wire.limits(self.limiter.standing(now), unix_time)
        date = {"date": formatdate(unix_time, usegmt=True)}
        return replace(reply, headers={**reply.headers, **limits, **date})


def required(body: dict[str, Any] | None) -> dict[str, Any]:
    """The body, if there is one; `ValueError` otherwise."""
    if body is None:
        raise ValueError("The request body is not valid JSON")
    return body


def said(error: ValueError) -> str:
    """The error on one line."""
    return first_fault(error) if isinstance(error, ValidationError) else str(error)


def rejected(wire: Wire, name: str, fault: faults.FrontDoorFault, model: str = "") -> Outcome:
    """What a fault with an HTTP status makes of a request; `name` is for its record."""
    return replace(refused(wire, name, failure_of(fault, model)), fault=fault)


def refused(wire: Wire, name: str, failure: Failure) -> Outcome:
    """What a failure makes of a request; `name` is for its record."""
    identity = new_identity()
    headers = {"request-id": f"req_{identity}", **failure.headers}
    body = encoded(wire.failure(failure, identity))
    return Outcome(name, Reply(failure.status, body, headers))


def encoded(body: dict[str, object]) -> bytes:
    """A body as it is sent."""
    # Surrogates that stand alone can come in as escapes, and must go out as such.
    return json.dumps(body).encode()
