"""The listening socket, which can be closed and opened again on the same port."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web

_BACKLOG = 1024
_ROUNDS = 5
"""More than the event loop takes for a connection that it has accepted and not announced yet."""


class Listener:
    """Serves an application on one address. All methods run on the event loop."""

    def __init__(self, application: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        # Bound and not listening, a socket refuses connections and still holds its port: no other
        # program can take it in a pause.
        self._socket = _bound(host, port)
        self._site: web.SockSite | None = None
        self.host: str
        self.port: int
        self.host, self.port = self._socket.getsockname()[:2]

    async def open(self) -> None:
        """Starts listening; nothing happens when it does already."""
        if self._runner.server is None:
            await self._runner.setup()
        if self._site is None:
            self._site = web.SockSite(self._runner, self._socket, backlog=_BACKLOG)
            await self._site.start()

    async def pause(self) -> None:
        """Refuses connections and drops those that are open, as a server that died would."""
        if self._site is not None:
            await self._stop_site(self._site)
            self._socket = _bound(self.host, self.port)

    async def close(self) -> None:
        """Drops every connection and gives the port up."""
        if self._site is not None:
            await self._stop_site(self._site)
        self._socket.close()
        await self._runner.cleanup()

    async def _stop_site(self, site: web.SockSite) -> None:
        self._site = None
        await site.stop()
        for _ in range(_ROUNDS):
            self._drop_connections()
            await asyncio.sleep(0)

    def _drop_connections(self) -> None:
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
