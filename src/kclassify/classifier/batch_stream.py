"""The results of a batch, as they come: one a line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio

from kclassify.classifier.batch_result import name_in
from kclassify.core.verdict import Outcome, OutcomeKind

if TYPE_CHECKING:
    import anthropic
    import httpx2

    from kclassify.classifier.batch_result import ResultReader
    from kclassify.core.batch import BatchResult


class Lines:
    """Lines of bytes, ended by line feeds alone: a text in JSON may hold any other separator."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._chunks = response.aiter_bytes()
        self._ready: deque[bytes] = deque()
        self._rest: list[bytes] = []

    async def following(self) -> bytes | None:
        """The next line that is not empty, None at the end."""
        while not self._ready:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return self._last()
            self._take(chunk)
        return self._ready.popleft()

    async def aclose(self) -> None:
        """Let go of the response, wherever it is."""
        try:
            # The library's generators end in order only where they wait: trio complains of others.
            with anyio.CancelScope() as scope:
                scope.cancel()
                while await anext(self._chunks, None) is not None:
                    pass
        finally:
            await self._response.aclose()

    def _take(self, chunk: bytes) -> None:
        first, *others = chunk.split(b"\n")
        self._rest.append(first)
        for line in others:
            self._ready.extend(filter(bytes.strip, [b"".join(self._rest)]))
            self._rest = [line]

    def _last(self) -> bytes | None:
        last = b"".join(self._rest)
        self._rest = []
        return last if last.strip() else None


class Results:
    """The results in these lines, of requests with this nonce.

    `due` is how many there are to be, 0 where nobody says.
    """

    def __init__(self, lines: Lines, reader: ResultReader, nonce: str, due: int) -> None:
        self._lines = lines
        self._reader = reader
        self._nonce = nonce
        self._due = due
        self._came = 0

    async def nonce(self, _: object = None) -> str | Outcome[str]:
        """The nonce in the first result, "" where it has none. Raises what a library raises."""
        line = await self._lines.following()
        if line is None and self.missing:
            return Outcome(OutcomeKind.UNAVAILABLE, detail=self.missing)
        name = None if line is None else name_in(line)
        return name[0] if name else ""

    async def following(self, _: object = None) -> BatchResult | None:
        """The next result of a request of ours, None at the end. Raises what a library raises."""
        while (line := await self._lines.following()) is not None:
            result = self._reader.read(line, self._nonce)
            self._came += 1
            if result is not None:
                return result
        return None

    @property
    def missing(self) -> str:
        """What to tell of results that broke off without an error, "" when all came."""
        came, due = self._came, self._due
        return f"the results broke off: {came} of {due} came" if came < due else ""

    async def aclose(self) -> None:
        """Let go of the response."""
        await self._lines.aclose()


async def open_lines(library: anthropic.AsyncAnthropic, path: str) -> Lines:
    """The lines that are at a path of the API."""
    import httpx2  # noqa: PLC0415

    return Lines(await library.get(path, cast_to=httpx2.Response, stream=True))
