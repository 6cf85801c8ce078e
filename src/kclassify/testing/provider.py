"""What a provider consists of: its log, its switches, its cache, its batches and its bill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from kclassify.testing.answering import Answerer
from kclassify.testing.batch_endpoints import BatchEndpoints
from kclassify.testing.batch_results import BatchWork
from kclassify.testing.batches import BatchBook
from kclassify.testing.bill import Billing
from kclassify.testing.control import ControlEndpoints
from kclassify.testing.prompt_cache import PromptCache
from kclassify.testing.rate_limits import RateLimiter
from kclassify.testing.server import Server
from kclassify.testing.switches import FaultSwitches
from kclassify.testing.wire_anthropic import AnthropicWire
from kclassify.testing.wire_openai import OpenAIWire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.typedefs import Handler

    from kclassify.core.price import Price
    from kclassify.testing.batch_records import BatchRecord
    from kclassify.testing.batch_rules import BatchRules
    from kclassify.testing.bill import Bill
    from kclassify.testing.latency import Latency
    from kclassify.testing.plan import FaultPlan
    from kclassify.testing.records import RequestLog
    from kclassify.testing.replies import Replies
    from kclassify.testing.timeline import Timeline
    from kclassify.testing.wire import Wire

_MIN_CACHE_TOKENS = 1024


@dataclass(slots=True, kw_only=True)
class Provider:
    """Outlives the server that answers for it. Everything but the log is the server's thread's."""

    replies: Replies
    latency: Latency
    plan: FaultPlan
    log: RequestLog
    clock: Callable[[], float]
    require_key: bool
    batch_rules: BatchRules
    prices: Mapping[str, Price]
    min_cache_tokens: int | None
    characters_per_token: float
    switches: FaultSwitches = field(init=False)
    billing: Billing = field(init=False)
    answerer: Answerer = field(init=False)
    book: BatchBook = field(init=False)

    def __post_init__(self) -> None:
        self.switches = FaultSwitches(self.plan)
        self.billing = Billing(self.prices)
        cache = PromptCache(self._minimum, self.characters_per_token)
        self.answerer = Answerer(self.replies, cache)
        self.book = BatchBook(self.batch_rules, BatchWork(self.answerer, self.billing, self.plan))

    def application(self, timeline: Timeline) -> web.Application:
        """All endpoints, at work."""
        limits = self.plan.rate_limits
        server = Server(
            answerer=self.answerer,
            billing=self.billing,
            latency=self.latency,
            plan=self.plan,
            switches=self.switches,
            limiter=None if limits is None else RateLimiter(limits, timeline.now()),
            log=self.log,
            timeline=timeline,
            require_key=self.require_key,
        )
        application = web.Application()
        control = ControlEndpoints(self.log, self.switches, self.book, self.billing, self.clock)
        application.add_routes(control.routes())
        application.add_routes(BatchEndpoints(server, self.book).routes())
        application.add_routes(
            [
                web.post("/v1/messages", _handler(server, AnthropicWire())),
                web.post("/v1/chat/completions", _handler(server, OpenAIWire())),
            ]
        )
        return application

    def batches(self) -> list[BatchRecord]:
        """The batches as they are now, oldest first."""
        self.book.catch_up(self.clock())
        return self.book.records()

    def end_batches(self) -> None:
        """Ends those in progress."""
        self.book.end_all(self.clock())

    def set_batch_rules(self, rules: BatchRules) -> None:
        """What has not ended yet goes by these."""
        self.book.catch_up(self.clock())
        self.book.rules = rules

    def bill(self) -> Bill:
        """What was charged so far."""
        self.book.catch_up(self.clock())
        return self.billing.bill()

    def clear(self) -> None:
        """Forgets requests and counts, and begins a new bill."""
        self.book.catch_up(self.clock())
        self.log.clear()
        self.billing.clear()

    def _minimum(self, model: str) -> int:
        if self.min_cache_tokens is not None:
            return self.min_cache_tokens
        price = self.billing.price(model)
        return _MIN_CACHE_TOKENS if price is None else price.min_cache_tokens


def _handler(server: Server, wire: Wire) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await server.serve(request, wire)

    return handle
