"""A batch as it goes out: the bodies as they are, in pieces, none of them copied as a whole."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from kclassify.core.batch import NONCE_CHARS, custom_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from kclassify.core.batch import BatchRequest

_PIECE_BYTES = 256_000
_ANY_NONCE = "0" * NONCE_CHARS
_BEFORE = b'{"requests":['
_AFTER = b"]}"


def size_in_batch(digest: str, body: bytes) -> int:
    """Bytes that a request takes in a batch at most: those of a batch of it alone."""
    entry = _entry(custom_id(_ANY_NONCE, digest), body)
    return len(_BEFORE) + sum(map(len, entry)) + len(_AFTER)


def size_of(requests: Sequence[BatchRequest], nonce: str) -> int:
    """Bytes of the batch."""
    return sum(map(len, _parts(requests, nonce)))


async def upload(requests: Sequence[BatchRequest], nonce: str) -> AsyncIterator[bytes]:
    """The bytes of the batch, in pieces of a quarter of a megabyte or one body."""
    piece: list[bytes] = []
    size = 0
    for part in _parts(requests, nonce):
        piece.append(part)
        size += len(part)
        if size >= _PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)


def _parts(requests: Sequence[BatchRequest], nonce: str) -> Iterator[bytes]:
    named = ((custom_id(nonce, request.digest), request.body) for request in requests)
    yield _BEFORE
    yield from chain.from_iterable(
        (b"," if place else b"", *_entry(*each)) for place, each in enumerate(named)
    )
    yield _AFTER


def _entry(name: str, body: bytes) -> tuple[bytes, bytes, bytes]:
    return b'{"custom_id":"%b","params":' % name.encode(), body, b"}"
