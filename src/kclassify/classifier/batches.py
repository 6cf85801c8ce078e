"""Asks Anthropic in Message Batches: for half the price, within a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from kclassify.classifier.batch_endpoint import Asker
from kclassify.classifier.batch_failure import UNREADABLE, Endpoint
from kclassify.classifier.batch_remote import RemotePage, remote_batch, remote_page, requests_in
from kclassify.classifier.batch_result import ResultReader
from kclassify.classifier.batch_stream import Lines, Results, open_lines
from kclassify.classifier.batch_upload import size_in_batch, size_of, upload
from kclassify.classifier.meter import ADDED_TOKENS
from kclassify.classifier.request_body import RequestBodies
from kclassify.core.batch import BatchLimits, BatchRequest, BatchResult, RemoteBatch
from kclassify.core.decision import Halt
from kclassify.core.token_estimate import most_tokens
from kclassify.core.verdict import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    import anthropic

    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.provider import InstructorProvider
    from kclassify.classifier.redaction import Redaction
    from kclassify.core.item import Item
    from kclassify.core.price import Price
    from kclassify.prompt import Prompt

_PATH = "/v1/messages/batches"
_PAGE = 100
_CREATE_S = 60.0
_UPLOAD_BYTES_A_SECOND = 1_000_000
_LIST = Endpoint("the list of batches")
_UNREADABLE = Outcome[str](OutcomeKind.UNAVAILABLE, detail=UNREADABLE)


def create_deadline_s(size: int) -> float:
    """Seconds that a batch of so many bytes may take to be created: a minute, and its upload."""
    return _CREATE_S + size / _UPLOAD_BYTES_A_SECOND


@dataclass(frozen=True, kw_only=True)
class AnthropicBatches:
    """Message Batches of one model: each request asks what a direct call asks about its item.

    `connected` gives the provider with the connections of the event loop that asks; `provider` is
    any such, for what it asks with. Nothing has a cost without a `price` that knows of batches.
    `one_hour` is how long cache entries live. A question to the provider has `timeout_s` seconds;
    a batch to be created has a minute, and a second for each megabyte.
    """

    provider: InstructorProvider
    connected: Callable[[], InstructorProvider]
    model: ChosenModel
    prompt: Prompt
    redaction: Redaction
    limits: BatchLimits = field(default_factory=BatchLimits)
    price: Price | None = None
    one_hour: bool = False
    timeout_s: float = 30.0

    def request(self, item: Item, *, again: bool = False) -> BatchRequest:
        """The request for an item; `again` after a reply that could not be used."""
        body = self._bodies.of(item, again=again)
        cut = self.prompt.render(item).body_chars_cut
        size = size_in_batch(item.digest, body)
        return BatchRequest(item.digest, body, size, self._worst(body), cut)

    async def create(
        self, requests: Sequence[BatchRequest], nonce: str
    ) -> RemoteBatch | Outcome[str] | Halt:
        """Send a batch. One that got no answer may have been created all the same."""
        size = size_of(requests, nonce)
        deadline_s = create_deadline_s(size)

        async def send(library: anthropic.AsyncAnthropic) -> object:
            from anthropic.types.messages import MessageBatch  # noqa: PLC0415

            headers = {"content-type": "application/json", "content-length": str(size)}
            return await library.post(
                _PATH,
                cast_to=MessageBatch,
                content=upload(requests, nonce),
                options={"headers": headers, "timeout": deadline_s},
            )

        return await self._batch(send, _sent(len(requests)), deadline_s)

    async def retrieve(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        """How far a batch is."""
        return await self._batch(
            lambda library: library.messages.batches.retrieve(batch), _of(batch)
        )

    async def cancel(self, batch: str) -> RemoteBatch | Outcome[str] | Halt:
        """Have a batch end; one that has ended already is told as it is."""
        told = await self._batch(lambda library: library.messages.batches.cancel(batch), _of(batch))
        if not isinstance(told, Halt):
            return told
        found = await self.retrieve(batch)
        if isinstance(found, RemoteBatch):
            return found if found.is_ended else told
        return found if isinstance(found, Outcome) else told

    async def recent(self, since: float) -> Sequence[RemoteBatch] | Outcome[str] | Halt:
        """The batches that it got since then by its clock, the newest first, whoever sent them."""
        found: list[RemoteBatch] = []
        while True:
            page = await self._page(found[-1].id if found else None)
            if isinstance(page, Outcome | Halt):
                return page
            found += page.batches
            if not page.is_followed or found[-1].created_at < since:
                return [batch for batch in found if batch.created_at >= since]

    async def nonce_of(self, batch: str) -> str | Outcome[str] | Halt:
        """The nonce of a batch that has ended, "" where its first result is of no such request."""
        opened = await self._opened(batch, "")
        if isinstance(opened, Outcome | Halt):
            return opened
        try:
            return await self._asker.ask(opened.nonce, _of(batch))
        finally:
            await opened.aclose()

    async def results(
        self, batch: str, nonce: str
    ) -> AsyncGenerator[BatchResult | Outcome[str] | Halt]:
        """What came of each request with this nonce in a batch that has ended, in any order.

        An outcome or a halt is the last: the results are not there, or not all of them.
        """
        opened = await self._opened(batch, nonce)
        if isinstance(opened, Outcome | Halt):
            yield opened
            return
        try:
            while (result := await self._asker.ask(opened.following, _of(batch))) is not None:
                yield result
                if not isinstance(result, BatchResult):
                    return
        finally:
            await opened.aclose()
        if opened.missing:
            yield Outcome(OutcomeKind.UNAVAILABLE, detail=opened.missing)

    async def _opened(self, batch: str, nonce: str) -> Results | Outcome[str] | Halt:
        """The results: at this API, not at the URL that it tells, to which the key might not go."""
        due = await self._due(batch)
        if not isinstance(due, int):
            return due
        path = f"{_PATH}/{quote(batch, safe='')}/results"
        lines = await self._asker.ask(lambda library: open_lines(library, path), _of(batch))
        return Results(lines, self._reader, nonce, due) if isinstance(lines, Lines) else lines

    async def _due(self, batch: str) -> int | Outcome[str] | Halt:
        """How many results there are, 0 where nobody says."""

        async def ask(library: anthropic.AsyncAnthropic) -> int | Outcome[str]:
            told = await library.messages.batches.retrieve(batch)
            remote = remote_batch(told)
            if remote is None:
                return _UNREADABLE
            not_yet = Outcome[str](OutcomeKind.UNAVAILABLE, detail=f"batch {batch} has not ended")
            return requests_in(told) if remote.is_ended else not_yet

        return await self._asker.ask(ask, _of(batch))

    async def _batch(
        self,
        question: Callable[[anthropic.AsyncAnthropic], Awaitable[object]],
        endpoint: Endpoint,
        deadline_s: float | None = None,
    ) -> RemoteBatch | Outcome[str] | Halt:
        async def ask(library: anthropic.AsyncAnthropic) -> RemoteBatch | None:
            return remote_batch(await question(library))

        told = await self._asker.ask(ask, endpoint, deadline_s)
        return _UNREADABLE if told is None else told

    async def _page(self, after: str | None) -> RemotePage | Outcome[str] | Halt:
        async def ask(library: anthropic.AsyncAnthropic) -> RemotePage | None:
            from anthropic.pagination import AsyncPage  # noqa: PLC0415
            from anthropic.types.messages import MessageBatch  # noqa: PLC0415

            # `batches.list` takes an answer that is no page for one.
            where = {"limit": _PAGE} if after is None else {"limit": _PAGE, "after_id": after}
            page = AsyncPage[MessageBatch]
            return remote_page(await library.get(_PATH, cast_to=page, options={"params": where}))

        told = await self._asker.ask(ask, _LIST)
        return _UNREADABLE if told is None else told

    @cached_property
    def _asker(self) -> Asker:
        return Asker(self.connected, self.model, self.redaction, self.timeout_s)

    @cached_property
    def _bodies(self) -> RequestBodies:
        return RequestBodies(self.provider, self.prompt)

    @cached_property
    def _reader(self) -> ResultReader:
        return ResultReader(
            provider=self.provider,
            model=self.model,
            taxonomy=self.prompt.taxonomy,
            redaction=self.redaction,
            price=self._price,
            one_hour=self.one_hour,
        )

    @property
    def _price(self) -> Price | None:
        known = self.price is not None and self.price.batch_factor is not None
        return self.price if known else None

    def _worst(self, body: bytes) -> int | None:
        if self._price is None:
            return None
        asked = most_tokens(body.decode()) + ADDED_TOKENS
        most = self._bodies.max_tokens
        return self._price.worst(asked, most, batch=True, one_hour=self.one_hour)


def _of(batch: str) -> Endpoint:
    return Endpoint(
        f"batch {batch}",
        "it is not there, or not for this key: use the key that created it, or give it up with "
        "`kclassify batches --forget`",
    )


def _sent(requests: int) -> Endpoint:
    return Endpoint(
        f"a batch of {requests} requests",
        "check the base URL, or give less as [batch] requests and bytes",
        quotes_items=True,
    )
