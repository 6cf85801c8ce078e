"""A stub Messages API: real HTTP on loopback that answers, fails and remembers as it is told.

    with StubMessagesAPI(Fixed("playbook")) as stub:
        client = anthropic.Anthropic(base_url=stub.url, api_key="stub", max_retries=0)
        ...
        assert stub.answered == 1

`python -m kclassify.testing.stub --help` shows the same on the command line.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal

from kclassify.errors import MissingExtra

try:
    from aiohttp import web
except ImportError as error:
    raise MissingExtra("the stub needs aiohttp: pip install 'kclassify[testing]'") from error

from kclassify.testing.control import ControlEndpoints
from kclassify.testing.latency import NO_LATENCY, Latency
from kclassify.testing.listener import Listener
from kclassify.testing.opening_hours import OpeningHours
from kclassify.testing.plan import FaultPlan
from kclassify.testing.rate_limits import RateLimiter
from kclassify.testing.records import RequestLog, RequestRecord, StubState
from kclassify.testing.replies import Random, Replies
from kclassify.testing.server import MAX_REQUEST_BYTES, Server
from kclassify.testing.switches import FaultSwitches
from kclassify.testing.timeline import Timeline
from kclassify.testing.wire_anthropic import AnthropicWire
from kclassify.testing.wire_openai import OpenAIWire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from aiohttp.typedefs import Handler

    from kclassify.testing.faults import Fault
    from kclassify.testing.wire import Wire

_NOT_RUNNING = "the stub is not running: call start() or use it as a context manager"


class _Running(NamedTuple):
    portal: BlockingPortal
    listener: Listener
    hours: OpeningHours


class StubMessagesAPI:
    """`POST /v1/messages` and `POST /v1/chat/completions` on 127.0.0.1, in a thread of its own.

    A fault hits a request by the first of these that has a say: the script, the fault that is
    switched on, the plan. All methods may be called from any thread; clients may be in this
    process on any event loop, or in another process.

    Args:
        replies: how answers are chosen.
        latency: how long an answer takes; refusals with an HTTP status are immediate.
        plan: faults and latencies by request, time, chance, text or model; times in which
            connections are refused; rate limits.
        host, port: where to listen; port 0 takes a free one.
        require_key: answers 401 to requests without `x-api-key` or `authorization`.
        keep: how many requests are kept, the newest; None keeps all, 0 only counts.
        clock: monotonic seconds, for the records, the plan's time windows and its rate limits.
    """

    def __init__(
        self,
        replies: Replies | None = None,
        *,
        latency: Latency = NO_LATENCY,
        plan: FaultPlan | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        require_key: bool = True,
        keep: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replies = replies or Random()
        self._latency = latency
        self._address = (host, port)
        self._require_key = require_key
        self._clock = clock
        self._log = RequestLog(keep, clock)
        self._plan = plan or FaultPlan()
        self._switches = FaultSwitches(self._plan)
        self._stack = ExitStack()
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listens from when it returns; OSError when the port is taken."""
        if self._running is not None:
            raise RuntimeError("the stub is running already")
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal("asyncio", name="stub-messages-api"))
            timeline = Timeline(self._clock)
            listener = Listener(self._application(timeline), *self._address)
            hours = OpeningHours(self._plan, timeline, listener)
            stack.callback(portal.call, listener.close)
            portal.call(listener.open)
            portal.call(hours.catch_up)
            if self._plan.refuses_at_times:
                stack.callback(portal.start_task_soon(hours.keep).cancel)
            self._stack = stack.pop_all()
        self._running = _Running(portal, listener, hours)
        return self

    def stop(self) -> None:
        """Drops every connection, frees the port and ends the thread; the records stay."""
        self._running = None
        self._stack.close()

    def pause_listening(self) -> None:
        """Refuses connections and drops the open ones, as a server that died would."""
        running = self._parts()
        running.portal.call(running.listener.pause)

    def resume_listening(self) -> None:
        """Listens again, on the same port."""
        running = self._parts()
        running.portal.call(running.listener.open)

    def catch_up(self) -> None:
        """Stops or starts to listen at once, where the plan says so of the clock's time now.

        It does so by itself within ten milliseconds. A test that moves the clock calls this.
        """
        running = self._parts()
        running.portal.call(running.hours.catch_up)

    def set_fault(self, fault: Fault | None) -> None:
        """Every request from now on meets this fault; None switches it off."""
        self._switches.set_fault(fault)

    def script(self, faults: Iterable[Fault | None]) -> None:
        """The next requests meet these faults, one each, None being a good answer."""
        self._switches.script(faults)

    def clear(self) -> None:
        """Forgets requests and counts; indices start from 0 again, the plan's clock runs on."""
        self._log.clear()

    def wait_until(
        self, holds: Callable[[StubState], bool], *, timeout_s: float = 10.0
    ) -> StubState:
        """Blocks until the counts satisfy a condition, and returns them; TimeoutError otherwise.

        The condition must not call the stub.
        """
        return self._log.wait_until(holds, timeout_s)

    @property
    def url(self) -> str:
        """The base URL for the Anthropic SDK; OpenAI clients want `/v1` after it."""
        listener = self._parts().listener
        host = f"[{listener.host}]" if ":" in listener.host else listener.host
        return f"http://{host}:{listener.port}"

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests kept, oldest first: a copy."""
        return self._log.records()

    @property
    def state(self) -> StubState:
        """All counts of one moment."""
        return self._log.state()

    @property
    def count(self) -> int:
        """Requests received."""
        return self.state.count

    @property
    def answered(self) -> int:
        """Requests answered as asked; refused and spoilt ones are not among them."""
        return self.state.answered

    @property
    def max_in_flight(self) -> int:
        """The most requests that were in flight at once."""
        return self.state.max_in_flight

    def _parts(self) -> _Running:
        if self._running is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._running

    def _application(self, timeline: Timeline) -> web.Application:
        limits = self._plan.rate_limits
        server = Server(
            replies=self._replies,
            latency=self._latency,
            plan=self._plan,
            switches=self._switches,
            limiter=None if limits is None else RateLimiter(limits, timeline.now()),
            log=self._log,
            timeline=timeline,
            require_key=self._require_key,
        )
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes(ControlEndpoints(self._log, self._switches).routes())
        application.add_routes(
            [
                web.post("/v1/messages", _handler(server, AnthropicWire())),
                web.post("/v1/chat/completions", _handler(server, OpenAIWire())),
            ]
        )
        return application


def _handler(server: Server, wire: Wire) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await server.serve(request, wire)

    return handle


if __name__ == "__main__":
    from kclassify.testing.command import main

    main()
