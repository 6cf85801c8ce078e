"""How a reply reaches the client: whole, slowly, in part, or never."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from kclassify.testing import faults

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINGER_OFF = struct.pack("ii", 1, 0)
_PAUSE = 0.05
_PAGE = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, ready to be sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"

    @property
    def is_answer(self) -> bool:
        """Whether a model has worked on it, which takes time; refusals with a status are quick."""
        return self.status == HTTPStatus.OK


async def deliver(
    request: web.BaseRequest, reply: Reply | None, fault: faults.Fault | None
) -> web.StreamResponse:
    """Sends a reply as the fault says, or none until the client has gone."""
    if reply is None or isinstance(fault, faults.LostReply):
        never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
        return await never
    match fault:
        case faults.Reset():
            return await _reset(request, reply)
        case faults.ResetAtOnce():
            return reset(request)
        case faults.Trickle(bytes_per_second=rate):
            return await _trickle(request, reply, rate)
        case faults.BrokenBody(content_type=content_type):
            return _whole(Reply(200, _PAGE, reply.headers, content_type))
        case _:
            return _whole(reply)


def _whole(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status,
        body=reply.body,
        headers=reply.headers,
        content_type=reply.content_type,
    )


async def _begin(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_type = reply.content_type
    response.content_length = len(reply.body)
    await response.prepare(request)
    return response


async def _reset(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = await _begin(request, reply)
    await response.write(reply.body[: len(reply.body) // 2])
    reset(request)
    return response


def reset(request: web.BaseRequest) -> web.StreamResponse:
    """Resets the connection; the response is for aiohttp alone, which can no longer send it."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
        transport.abort()
    return web.Response()


async def _trickle(request: web.BaseRequest, reply: Reply, rate: float) -> web.StreamResponse:
    response = await _begin(request, reply)
    size = max(1, int(rate * _PAUSE))
    for start in range(0, len(reply.body), size):
        await response.write(reply.body[start : start + size])
        await asyncio.sleep(size / rate)
    await response.write_eof()
    return response
