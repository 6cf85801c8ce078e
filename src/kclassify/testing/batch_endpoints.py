"""The endpoints of batches over HTTP, and the one that counts tokens."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kclassify.testing import faults, records
from kclassify.testing.answering import new_identity
from kclassify.testing.batch_form import described, page, read_requests
from kclassify.testing.delivery import Reply
from kclassify.testing.plan_entries import Arrival, Endpoint
from kclassify.testing.server import (
    MAX_REQUEST_BYTES,
    Outcome,
    encoded,
    refused,
    rejected,
    required,
    said,
)
from kclassify.testing.wire import Failure
from kclassify.testing.wire_anthropic import AnthropicWire

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.testing.batches import BatchBook, StoredBatch
    from kclassify.testing.server import Received, Server

    Serve = Callable[[web.Request, Received, Arrival], Reply | Failure]

_WIRE = AnthropicWire()
_PATH = "/v1/messages/batches"


class BatchEndpoints:
    """Serves them with the faults and records of every other request; they cost nothing."""

    def __init__(self, server: Server, book: BatchBook) -> None:
        self._server = server
        self._book = book

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        one = f"{_PATH}/{{batch}}"
        return [
            web.post("/v1/messages/count_tokens", self._handler("count_tokens", self._count)),
            web.post(_PATH, self._handler("create_batch", self._create)),
            web.get(_PATH, self._handler("list_batches", self._list)),
            web.get(one, self._handler("retrieve_batch", self._retrieve)),
            web.post(f"{one}/cancel", self._handler("cancel_batch", self._cancel)),
            web.get(f"{one}/results", self._handler("batch_results", self._results)),
        ]

    def _handler(self, endpoint: Endpoint, serve: Serve) -> Any:  # noqa: ANN401 # aiohttp's
        async def handle(request: web.Request) -> web.StreamResponse:
            decide = partial(self._decide, request, endpoint, serve)
            creates = endpoint == "create_batch"
            limit = self._book.rules.max_bytes if creates else MAX_REQUEST_BYTES
            return await self._server.respond(request, _WIRE, decide, limit)

        return handle

    def _decide(
        self, request: web.Request, endpoint: Endpoint, serve: Serve, index: int, received: Received
    ) -> Outcome:
        at_the_door = self._server.refused_at_the_door(_WIRE, received)
        if at_the_door is not None:
            return at_the_door
        arrival = Arrival(index, received.elapsed, "", "", endpoint)
        outcome = self._outcome(partial(serve, request, received), received.at, arrival)
        planned = self._server.plan.latency(arrival)
        return outcome if planned is None else replace(outcome, delay_s=planned.seconds(index))

    def _outcome(
        self, serve: Callable[[Arrival], Reply | Failure], now: float, arrival: Arrival
    ) -> Outcome:
        fault = self._server.switches.choose(arrival)
        if isinstance(fault, faults.FrontDoorFault):
            return rejected(_WIRE, fault.kind, fault)
        if isinstance(fault, faults.Hang):
            return Outcome(fault.kind, None, fault)
        self._book.catch_up(now)
        reply = serve(arrival)
        if isinstance(reply, Failure):
            return refused(_WIRE, records.MALFORMED, reply)
        lost = fault if isinstance(fault, faults.DeliveryFault) else None
        return Outcome(records.ANSWERED if lost is None else lost.kind, reply, lost)

    def _count(self, _: web.Request, received: Received, __: Arrival) -> Reply | Failure:
        try:
            characters = _WIRE.count(required(received.body))
        except ValueError as error:
            return _bad(said(error))
        return _reply({"input_tokens": self._server.answerer.tokens(characters)})

    def _create(
        self, request: web.Request, received: Received, arrival: Arrival
    ) -> Reply | Failure:
        try:
            asked = read_requests(required(received.body), self._book.rules.max_requests)
        except ValueError as error:
            return _bad(said(error))
        unix_time = self._server.timeline.unix_time(received.at)
        batch = self._book.create(asked, arrival, received.at, unix_time)
        return _reply(self._described(request, batch))

    def _list(self, request: web.Request, _: Received, __: Arrival) -> Reply | Failure:
        try:
            shown = page(request.query, self._book.newest_first())
        except ValueError as error:
            return _bad(said(error))
        return _reply({**shown, "data": [self._described(request, b) for b in shown["data"]]})

    def _retrieve(self, request: web.Request, _: Received, __: Arrival) -> Reply | Failure:
        batch = self._asked(request)
        return batch if isinstance(batch, Failure) else _reply(self._described(request, batch))

    def _cancel(self, request: web.Request, received: Received, _: Arrival) -> Reply | Failure:
        batch = self._asked(request)
        if isinstance(batch, Failure):
            return batch
        if batch.ended is not None:
            return _bad(f"Batch {batch.id} has ended and cannot be canceled")
        self._book.cancel(batch, received.at)
        return _reply(self._described(request, batch))

    def _results(self, request: web.Request, _: Received, __: Arrival) -> Reply | Failure:
        batch = self._asked(request)
        if isinstance(batch, Failure):
            return batch
        if batch.ended is None:
            return _absent(f"Batch {batch.id} has no results yet")
        body = b"".join(self._book.lines(batch))
        return Reply(200, body, _identified(), content_type="application/x-jsonl")

    def _asked(self, request: web.Request) -> StoredBatch | Failure:
        identity = request.match_info["batch"]
        return self._book.get(identity) or _absent(f"There is no batch {identity}")

    def _described(self, request: web.Request, batch: StoredBatch) -> dict[str, object]:
        return described(batch, self._book.expiry(batch), str(request.url.origin()))


def _reply(body: dict[str, object]) -> Reply:
    return Reply(200, encoded(body), _identified())


def _identified() -> dict[str, str]:
    return {"request-id": f"req_{new_identity()}"}


def _bad(message: str) -> Failure:
    return Failure(400, "invalid_request_error", message)


def _absent(message: str) -> Failure:
    return Failure(404, "not_found_error", message)
