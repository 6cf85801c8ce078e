"""The stub's own endpoints, for tests in other processes: `/__stub__/...`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import ValidationError

from kclassify.testing.faults import FAULT
from kclassify.testing.labels_file import first_fault

if TYPE_CHECKING:
    from kclassify.testing.records import RequestLog
    from kclassify.testing.switches import FaultSwitches


class ControlEndpoints:
    """Counts, records and the switch over HTTP."""

    def __init__(self, log: RequestLog, switches: FaultSwitches) -> None:
        self._log = log
        self._switches = switches

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        return [
            web.get("/__stub__/state", self.state),
            web.get("/__stub__/requests", self.requests),
            web.post("/__stub__/fault", self.fault),
            web.post("/__stub__/clear", self.clear),
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
        """Forgets the records and counts from 0 again."""
        self._log.clear()
        return await self.state(request)
