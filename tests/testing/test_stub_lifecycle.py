from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import anthropic
import anyio
import pytest

import kclassify.testing
from kclassify.testing import Fixed, Hang, Rule, StubMessagesAPI
from tests.testing.asking import arguments, ask, ask_async


def test_no_thread_outlives_the_stub() -> None:
    before = set(threading.enumerate())
    with StubMessagesAPI(Fixed("pattern")) as stub:
        ask(stub)
        assert {thread.name for thread in set(threading.enumerate()) - before} == {
            "stub-messages-api"
        }
    assert set(threading.enumerate()) == before


def test_a_stopped_stub_keeps_its_records_and_can_be_started_again() -> None:
    stub = StubMessagesAPI(Fixed("pattern"))
    for _ in range(2):
        with stub:
            ask(stub)
    assert stub.answered == 2
    with pytest.raises(RuntimeError, match="not running"):
        _ = stub.url
    stub.stop()


def test_starting_twice_is_an_error() -> None:
    with StubMessagesAPI() as stub, pytest.raises(RuntimeError, match="running already"):
        stub.start()


def test_stopping_ends_a_hang() -> None:
    with ThreadPoolExecutor(1) as pool:
        with StubMessagesAPI() as stub:
            stub.set_fault(Hang())
            waiting = pool.submit(ask, stub, timeout=60)
            stub.wait_until(lambda state: state.in_flight == 1)
        assert isinstance(waiting.exception(timeout=5), anthropic.APIConnectionError)
    assert stub.state.in_flight == 0


def test_a_taken_port_is_an_error_that_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with StubMessagesAPI() as stub:
        port = urlsplit(stub.url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            StubMessagesAPI(port=port).start()
    assert set(threading.enumerate()) == before


async def test_a_pause_refuses_connections_and_drops_pooled_ones() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        url = stub.url
        async with anthropic.AsyncAnthropic(base_url=url, api_key="key", max_retries=0) as client:
            await client.messages.create(**arguments())
            await anyio.to_thread.run_sync(stub.pause_listening)
            for _ in range(3):
                with pytest.raises(anthropic.APIConnectionError):
                    await client.messages.create(**arguments())
            await anyio.to_thread.run_sync(stub.resume_listening)
            await client.messages.create(**arguments())
        assert stub.url == url
        assert stub.state.outcomes == {"answered": 2}


def test_a_paused_stub_holds_its_port() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        stub.pause_listening()
        stub.pause_listening()
        port = urlsplit(stub.url).port
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        stub.resume_listening()
        stub.resume_listening()
        ask(stub)


def test_a_request_whose_connection_is_dropped_before_its_reply_was_not_answered() -> None:
    def reply(_: str, __: tuple[str, ...]) -> tuple[str, float]:
        # Runs just before the reply is sent, when the handler has not been cancelled yet.
        asyncio.get_running_loop().call_soon(stub._parts().listener._drop_connections)
        return "pattern", 0.9

    with StubMessagesAPI(Rule(reply)) as stub, pytest.raises(anthropic.APIConnectionError):
        ask(stub)
    assert stub.state.outcomes == {"disconnected": 1}
    assert stub.bill.lines == ()


async def test_a_paused_stub_can_be_stopped() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        await ask_async(stub)
        await anyio.to_thread.run_sync(stub.pause_listening)
    assert stub.answered == 1


def test_every_public_name_is_there_and_importing_the_package_is_light() -> None:
    for name in kclassify.testing.__all__:
        assert getattr(kclassify.testing, name) is not None
    assert set(kclassify.testing.__all__) <= set(dir(kclassify.testing))
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = kclassify.testing.Nonsense  # type: ignore[attr-defined]
    code = (
        "import sys, kclassify.testing; assert 'aiohttp' not in sys.modules\n"
        "import kclassify.testing.command\n"  # which is the stub, and its options
        "heavy = {'anthropic', 'instructor', 'numpy', 'openai', 'sqlalchemy', 'sqlmodel', 'trio'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
