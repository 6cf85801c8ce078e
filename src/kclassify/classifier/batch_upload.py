"""A batch as it goes out: the bodies as they are, in pieces, none of them copied as a whole."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from kclassify.core.batch import BatchRequest

_PIECE_BYTES = 256_000


def size_of(requests: Sequence[BatchRequest]) -> int:
    """Bytes of the batch."""
    return sum(map(len, _parts(requests)))


async def upload(requests: Sequence[BatchRequest]) -> AsyncIterator[bytes]:
    """The bytes of the batch, in pieces of a quarter of a megabyte or one body."""
    piece: list[bytes] = []
    size = 0
    for part in _parts(requests):
        piece.append(part)
        size += len(part)
        if size >= _PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)


def _parts(requests: Sequence[BatchRequest]) -> Iterator[bytes]:
    yield b'{"requests":['
    yield from chain.from_iterable(
        (b"," if place else b"", *_entry(request)) for place, request in enumerate(requests)
    )
    yield b"]}"


def _entry(request: BatchRequest) -> tuple[bytes, bytes, bytes]:
    return b'{"custom_id":"%b","params":' % request.digest.encode(), request.body, b"}"
