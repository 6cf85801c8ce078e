"""What the headers of replies say of rate limits, heard at the HTTP client.

No library hands out the headers of a reply that was a success, so that its client has to be asked.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kclassify.core.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

_NAMES = ("requests", "tokens", "input-tokens", "output-tokens")
_UNITS_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")

_heard: ContextVar[list[Mapping[str, str]] | None] = ContextVar("_heard", default=None)


def listen_to(library: object) -> None:
    """Hear the replies to this provider's library, if it has a client that can be heard."""
    client: Any = getattr(library, "_client", None)
    hooks = getattr(client, "event_hooks", None)
    if isinstance(hooks, dict) and "response" in hooks:
        client.event_hooks = {**hooks, "response": [*hooks["response"], _hear]}


async def _hear(response: Any) -> None:  # noqa: ANN401 - each library brings its own HTTP client
    heard = _heard.get()
    if heard is not None:
        heard.append(response.headers)


@contextmanager
def hearing() -> Generator[list[Mapping[str, str]]]:
    """The headers of the replies within this context, and this task, as they come."""
    heard: list[Mapping[str, str]] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def rate_limits(headers: Mapping[str, str], now: float) -> tuple[RateLimit, ...]:
    """The limits that a reply's headers tell of, Anthropic's or OpenAI's; `now` is Unix time.

    What cannot be read is left out; whether the figures make sense is not looked at.
    """
    # A reply's own mapping takes its time for each name that is looked for.
    told = {name.lower(): value for name, value in headers.items()}
    if not any("ratelimit" in name for name in told):
        return ()
    sent = _moment(told.get("date"), parsedate_to_datetime)
    limits: list[RateLimit | None] = []
    for name in _NAMES:
        limits += [_anthropic(told, name, now if sent is None else sent), _openai(told, name)]
    return tuple(limit for limit in limits if limit is not None)


def _anthropic(headers: Mapping[str, str], name: str, now: float) -> RateLimit | None:
    start = f"anthropic-ratelimit-{name}"
    reset = _moment(headers.get(f"{start}-reset"), datetime.fromisoformat)
    resets_in_s = None if reset is None else max(0.0, reset - now)
    return _limit(
        name, headers.get(f"{start}-limit"), headers.get(f"{start}-remaining"), resets_in_s
    )


def _openai(headers: Mapping[str, str], name: str) -> RateLimit | None:
    limit, remaining, reset = (
        headers.get(f"x-ratelimit-{field}-{name}") for field in ("limit", "remaining", "reset")
    )
    return _limit(name, limit, remaining, _seconds(reset))


def _limit(
    name: str, limit: str | None, remaining: str | None, resets_in_s: float | None
) -> RateLimit | None:
    if limit is None or remaining is None or resets_in_s is None:
        return None
    try:
        return RateLimit(name, float(limit), float(remaining), resets_in_s)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _moment(text: str | None, read: Callable[[str], datetime]) -> float | None:
    try:
        return read(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> float | None:
    """Of a duration as Go writes it: `1s`, `6m0s`, `17ms`."""
    if text is None or not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
