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
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from kclassify.errors import MissingExtra

try:
    import aiohttp as _  # noqa: F401
except ImportError as error:
    raise MissingExtra("the stub needs aiohttp: pip install 'kclassify[testing]'") from error

from kclassify.classifier.prices import known_prices
from kclassify.testing.batch_rules import BatchRules
from kclassify.testing.latency import NO_LATENCY, Latency
from kclassify.testing.listener import Listener
from kclassify.testing.opening_hours import OpeningHours
from kclassify.testing.plan import FaultPlan
from kclassify.testing.provider import Provider
from kclassify.testing.records import RequestLog, RequestRecord, StubState
from kclassify.testing.replies import Random, Replies
from kclassify.testing.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from kclassify.core.price import Price
    from kclassify.testing.batch_records import BatchRecord
    from kclassify.testing.bill import Bill
    from kclassify.testing.faults import Fault

_T = TypeVar("_T")

_NOT_RUNNING = "the stub is not running: call start() or use it as a context manager"


class _Running(NamedTuple):
    portal: BlockingPortal
    listener: Listener
    hours: OpeningHours


class StubMessagesAPI:
    """The Messages API with its batches, and `POST /v1/chat/completions`, on 127.0.0.1.

    It runs in a thread of its own.

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
        clock: monotonic seconds, for the records, the plan's time windows and its rate limits, the
            lives of cache entries and of batches.
        batch_rules: how long batches take, and how many of their requests fail.
        prices: what the bill is reckoned by, by model; kclassify's own unless given.
        min_cache_tokens: the shortest prefix that is cached; unless given, as the price of the
            model says, or 1024.
        characters_per_token: of its tokenizer.
    """

    def __init__(  # noqa: PLR0913 # each is a part of a provider that a test may choose
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
        batch_rules: BatchRules | None = None,
        prices: Mapping[str, Price] | None = None,
        min_cache_tokens: int | None = None,
        characters_per_token: float = 4,
    ) -> None:
        self._address = (host, port)
        self._log = RequestLog(keep, clock)
        self._provider = Provider(
            replies=replies or Random(),
            latency=latency,
            plan=plan or FaultPlan(),
            log=self._log,
            clock=clock,
            require_key=require_key,
            batch_rules=batch_rules or BatchRules(),
            prices=known_prices() if prices is None else prices,
            min_cache_tokens=min_cache_tokens,
            characters_per_token=characters_per_token,
        )
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
            timeline, plan = Timeline(self._provider.clock), self._provider.plan
            listener = Listener(self._provider.application(timeline), *self._address)
            hours = OpeningHours(plan, timeline, listener)
            stack.callback(portal.call, listener.close)
            portal.call(listener.open)
            portal.call(hours.catch_up)
            if plan.refuses_at_times:
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
        self._provider.switches.set_fault(fault)

    def script(self, faults: Iterable[Fault | None]) -> None:
        """The next requests meet these faults, one each, None being a good answer."""
        self._provider.switches.script(faults)

    def clear(self) -> None:
        """Forgets requests, counts and the bill; batches stay, and the plan's clock runs on.

        Indices start from 0 again.
        """
        self._in_its_thread(self._provider.clear)

    def end_batches(self) -> None:
        """Ends the batches in progress, at once."""
        self._in_its_thread(self._provider.end_batches)

    def set_batch_rules(self, rules: BatchRules) -> None:
        """Batches that have not ended yet, and those to come, go by these rules."""
        self._in_its_thread(partial(self._provider.set_batch_rules, rules))

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
    def batches(self) -> list[BatchRecord]:
        """The batches as they are now, oldest first."""
        return self._in_its_thread(self._provider.batches)

    @property
    def bill(self) -> Bill:
        """What was charged since the start or the last clear."""
        return self._in_its_thread(self._provider.bill)

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

    def _in_its_thread(self, function: Callable[[], _T]) -> _T:
        return function() if self._running is None else self._running.portal.call(function)

    def _parts(self) -> _Running:
        if self._running is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._running


if __name__ == "__main__":
    from kclassify.testing.command import main

    main()
