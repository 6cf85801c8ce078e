from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from kclassify.testing import (
    Fixed,
    FixedLatency,
    Hang,
    Overloaded,
    Reset,
    StubMessagesAPI,
)
from tests.testing.asking import arguments, ask, fenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anthropic.types import Usage

SYSTEM = "The stable part of a prompt. " * 50
STABLE = len(SYSTEM) // 4


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stub(clock: Clock) -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Fixed("pattern"), clock=clock, min_cache_tokens=100) as stub:
        yield stub


def block(text: str, ttl: str | None = "5m") -> dict[str, Any]:
    marked = {} if ttl is None else {"cache_control": {"type": "ephemeral", "ttl": ttl}}
    return {"type": "text", "text": text, **marked}


def usage(
    stub: StubMessagesAPI, body: str = "An item.", ttl: str = "5m", text: str = SYSTEM, **more: Any
) -> Usage:
    asked: dict[str, Any] = {"system": [block(text, ttl)], **more}
    return ask(stub, body, **asked).usage


def figures(used: Usage) -> tuple[int, int | None, int | None]:
    return used.input_tokens, used.cache_creation_input_tokens, used.cache_read_input_tokens


def test_a_prefix_is_written_once_and_read_from_then_on(stub: StubMessagesAPI) -> None:
    for body, written in (("First.", STABLE), ("The second one.", 0), ("3", 0)):
        whole = (len(SYSTEM) + len(fenced(body))) // 4
        read = STABLE - written
        assert figures(usage(stub, body)) == (whole - STABLE, written, read)


def test_without_a_breakpoint_nothing_is_cached(stub: StubMessagesAPI) -> None:
    for _ in range(2):
        used = ask(stub, "a", system=[block(SYSTEM, None)]).usage
        assert figures(used) == ((len(SYSTEM) + len(fenced("a"))) // 4, 0, 0)


def test_an_entry_lives_from_its_last_read_as_long_as_was_asked(
    stub: StubMessagesAPI, clock: Clock
) -> None:
    for ttl, lives in (("5m", 300), ("1h", 3600)):
        text = f"{ttl} {SYSTEM}"
        first = usage(stub, ttl=ttl, text=text).cache_creation
        assert first is not None
        lengths = (first.ephemeral_5m_input_tokens, first.ephemeral_1h_input_tokens)
        assert lengths == ((len(text) // 4, 0) if ttl == "5m" else (0, len(text) // 4))
        for waited, reads in ((lives - 1, True), (lives - 1, True), (lives, False)):
            clock.now += waited
            assert bool(usage(stub, ttl=ttl, text=text).cache_read_input_tokens) is reads


def test_a_prefix_under_the_minimum_is_not_cached() -> None:
    with StubMessagesAPI(Fixed("pattern"), min_cache_tokens=STABLE + 1) as stub:
        assert [figures(usage(stub))[1:] for _ in range(2)] == [(0, 0)] * 2
    with StubMessagesAPI(Fixed("pattern"), min_cache_tokens=STABLE) as stub:
        assert [figures(usage(stub))[1:] for _ in range(2)] == [(STABLE, 0), (0, STABLE)]
    with StubMessagesAPI(Fixed("pattern")) as stub:  # as the price of the model says: 4096
        for size, cached in ((4 * 4095, 0), (4 * 4096, 4096)):
            assert figures(usage(stub, text="x" * size))[1] == cached


@pytest.mark.parametrize(
    "other",
    [
        {"text": SYSTEM + "!"},
        {"model": "another-model"},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"tools": [{"name": "tool", "input_schema": {"type": "object"}}]},
    ],
)
def test_another_prefix_model_or_form_of_answer_shares_nothing(
    stub: StubMessagesAPI, other: dict[str, Any]
) -> None:
    usage(stub)
    assert usage(stub, **other).cache_read_input_tokens == 0
    assert usage(stub).cache_read_input_tokens == STABLE


def test_two_at_once_both_write_since_the_first_has_not_begun_to_answer() -> None:
    latency = FixedLatency(0.2)
    with (
        StubMessagesAPI(Fixed("pattern"), latency=latency, min_cache_tokens=100) as stub,
        ThreadPoolExecutor(2) as pool,
    ):
        both = list(pool.map(partial(usage, stub), ("a", "b")))
        assert stub.max_in_flight == 2
        assert [used.cache_creation_input_tokens for used in both] == [STABLE, STABLE]
        assert usage(stub).cache_read_input_tokens == STABLE


@pytest.mark.parametrize(("fault", "begins"), [(Overloaded(), 0), (Hang(), 0), (Reset(), STABLE)])
def test_only_an_answer_that_began_leaves_an_entry(
    stub: StubMessagesAPI, fault: Any, begins: int
) -> None:
    stub.script([fault])
    with pytest.raises(anthropic.APIError):
        usage(stub, timeout=0.1)
    assert usage(stub).cache_read_input_tokens == begins


def test_breakpoints_of_both_lifetimes_add_up_with_the_rest(stub: StubMessagesAPI) -> None:
    system = [block("A" * 1001, "1h"), block("B" * 1002, "5m")]
    asked = {"role": "user", "content": [block("C" * 1003, "5m"), block(fenced("d"), None)]}
    whole = ("A" * 1001 + "\n" + "B" * 1002, "C" * 1003 + "\n" + fenced("d"))
    total = sum(map(len, whole)) // 4
    first = ask(stub, system=system, messages=[asked]).usage
    created = first.cache_creation
    assert created is not None
    assert created.ephemeral_1h_input_tokens == 1001 // 4
    assert created.ephemeral_5m_input_tokens == (len(whole[0]) + 1003) // 4 - 1001 // 4
    assert sum(count or 0 for count in figures(first)) == total
    changed = {"role": "user", "content": [block("E" * 1003, "5m"), block(fenced("d"), None)]}
    second = ask(stub, system=system, messages=[changed]).usage
    assert second.cache_read_input_tokens == len(whole[0]) // 4
    assert sum(count or 0 for count in figures(second)) == total


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ([block(str(n)) for n in range(5)], "A maximum of 4 blocks with cache_control"),
        ([block("a", "5m"), block("b", "1h")], "must not come after"),
        ([block("")], "empty text blocks"),
        ([block("a", "2h")], "system"),
    ],
)
def test_breakpoints_that_cannot_be_are_refused(
    stub: StubMessagesAPI, system: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=message):
        ask(stub, system=system)


def test_counting_tokens_leaves_no_entry(stub: StubMessagesAPI) -> None:
    given = arguments("a", system=[block(SYSTEM)])
    del given["max_tokens"]
    with anthropic.Anthropic(base_url=stub.url, api_key="key", max_retries=0) as client:
        counted = client.messages.count_tokens(**given)
    used = ask(stub, "a", system=[block(SYSTEM)]).usage
    assert figures(used) == (counted.input_tokens - STABLE, STABLE, 0)
