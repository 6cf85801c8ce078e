"""The server that all tools ask, in a process of its own: it costs little, and it counts.

`python -m benchmarks.peers.server` prints the port that it listens on. `GET /counts` tells how
often each item, known by the marker `id-12345` in its text, was answered with a label.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

from benchmarks.peers.answering import Json, answer

_SEED = 1
_OVERLOADED = 529
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MARKER = re.compile(rb"id-(\d{5})")
_REFUSAL = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "Overloaded"},
}


@dataclass
class Behaviour:
    """How the server is today: its latency, and which calls it has no room for."""

    latency_s: float
    share: float
    down_after: int
    down_s: float
    answered: Counter[str] = field(default_factory=Counter[str])
    _draw: random.Random = field(default_factory=lambda: random.Random(_SEED))  # noqa: S311
    _up_at: float | None = None

    def refuses(self) -> bool:
        """Whether the call that has just come is answered with a 529."""
        now = time.monotonic()
        if self._up_at is None and self.down_after and self.answered.total() >= self.down_after:
            self._up_at = now + self.down_s
        return (self._up_at is not None and now < self._up_at) or self._draw.random() < self.share


async def main() -> None:
    """Serves until it is terminated."""
    behaviour = _behaviour()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _exchange(behaviour, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _behaviour() -> Behaviour:
    parser = argparse.ArgumentParser()
    for name in ("--latency-ms", "--share", "--down-s"):
        parser.add_argument(name, type=float, default=0.0)
    parser.add_argument("--down-after", type=int, default=0)
    given = parser.parse_args()
    return Behaviour(given.latency_ms / 1000, given.share, given.down_after, given.down_s)


async def _exchange(
    behaviour: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    path = head.split(maxsplit=2)[1].decode()
    if path == "/counts":
        status, said = HTTPStatus.OK.value, dict(behaviour.answered)
    else:
        status, said = await _asked(behaviour, path, body)
    sent = json.dumps(said).encode()
    line = b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(line % (status, len(sent)) + sent)
    await writer.drain()


async def _asked(behaviour: Behaviour, path: str, body: bytes) -> tuple[int, Json]:
    if behaviour.refuses():
        return _OVERLOADED, _REFUSAL
    if behaviour.latency_s:
        await asyncio.sleep(behaviour.latency_s)
    if marker := _MARKER.search(body):
        behaviour.answered[marker[1].decode()] += 1
    return HTTPStatus.OK.value, answer(path, json.loads(body))


if __name__ == "__main__":
    asyncio.run(main())
