"""The stub's own endpoints, for tests in other processes: `/__stub__/...`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import ValidationError

from kclassify.testing.faults import FAULT
from kclassify.testing.labels_file import first_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.testing.batches import BatchBook
    from kclassify.testing.bill import Billing
    from kclassify.testing.records import RequestLog
    from kclassify.testing.switches import FaultSwitches


class ControlEndpoints:
    """Counts, records and the switch over HTTP."""

    def __init__(
        self,
        log: RequestLog,
        switches: FaultSwitches,
        book: BatchBook,
        billing: Billing,
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._switches = switches
        self._book = book
        self._billing = billing
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        return [
            web.get("/__stub__/state", self.state),
            web.get("/__stub__/requests", self.requests),
            web.post("/__stub__/fault", self.fault),
            web.post("/__stub__/clear", self.clear),
            web.get("/__stub__/batches", self.batches),
            web.post("/__stub__/batches/end", self.end_batches),
            web.get("/__stub__/bill", self.bill),
        ]

    async def state(self, _: web.Request) -> web.Response:
        """The counts, and the fault that is switched on."""
        fault = FAULT.dump_python(self._switches.current, mode="json")
        return web.json_response({**asdict(self._log.state()), "fault": fault})

    async def requests(self, _: web.Request) -> web.Response:
        """The records kept, oldest first."""
        return web.json_response([asdict(record) for record in self._log.records()])

    async def fault(self, request: web.Request) -> web.Response:
        """Switches on the fault in the body, or off with null; 400 with one line otherwise."""
        try:
            self._switches.set_fault(FAULT.validate_json(await request.read()))
        except ValidationError as error:
            return web.json_response({"error": first_fault(error)}, status=400)
        return await self.state(request)

    async def clear(self, request: web.Request) -> web.Response:
        """Forgets the records, counts from 0 again and begins a new bill; batches stay."""
        self._book.catch_up(self._clock())
        self._log.clear()
        self._billing.clear()
        return await self.state(request)

    async def batches(self, _: web.Request) -> web.Response:
        """The batches, oldest first."""
        self._book.catch_up(self._clock())
        return web.json_response([asdict(record) for record in self._book.records()])

    async def end_batches(self, request: web.Request) -> web.Response:
        """Ends those in progress, and lists all."""
        self._book.end_all(self._clock())
        return await self.batches(request)

    async def bill(self, _: web.Request) -> web.Response:
        """What was charged: a line for each model and transport, and the sum in nanodollars."""
        self._book.catch_up(self._clock())
        bill = self._billing.bill()
        return web.json_response({**asdict(bill), "nanodollars": bill.nanodollars})
