"""A headless Chromium, spoken to over its own protocol: one page, watched."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def program() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@dataclass
class Tab:
    """One page of the browser, and what happened on it."""

    socket: aiohttp.ClientWebSocketResponse
    events: list[dict[str, Any]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command; events that come before it are kept."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json(timeout=60)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    async def load(
        self, address: str, *, width: int, height: int = 900, dark: bool = False
    ) -> None:
        """Opens the address in a window of this size, and waits until it is there."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        await self.call("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(await self.socket.receive_json(timeout=60))
        await self.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")

    async def value(self, expression: str) -> Any:
        """What a script of the test's own finds on the page."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def picture(self) -> bytes:
        """The whole page as a PNG."""
        taken = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    @property
    def requested(self) -> list[str]:
        """The addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    @property
    def refused(self) -> list[str]:
        """Why requests came to nothing: `csp` for those that the page's policy forbids."""
        return [
            event["params"].get("blockedReason", event["params"]["errorText"])
            for event in self.events
            if event.get("method") == "Network.loadingFailed"
        ]

    @property
    def complaints(self) -> list[str]:
        """What the console and the log hold, exceptions and refusals by the policy among it."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [str(event["params"]) for event in self.events if event.get("method") in kinds]


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[Tab]:
    """A tab of a browser of its own, which ends with the block."""
    found = program()
    assert found is not None
    process = await asyncio.create_subprocess_exec(
        found,
        *_OPTIONS,
        f"--user-data-dir={folder}",
        "about:blank",
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stderr is not None
        address = await asyncio.wait_for(_address(process.stderr), 60)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as reply:
                pages = [each for each in await reply.json() if each["type"] == "page"]
            async with session.ws_connect(
                pages[0]["webSocketDebuggerUrl"], max_msg_size=0
            ) as socket:
                yield Tab(socket)
    finally:
        process.kill()
        await process.communicate()


async def _address(lines: asyncio.StreamReader) -> str:
    """Where the browser listens: it says so in a line of its own."""
    while line := (await lines.readline()).decode():
        if "DevTools listening on ws://" in line:
            return line.split("ws://")[1].split("/")[0]
    raise AssertionError("the browser ended before it listened")
