"""What the Messages API says of its rate limits in the headers of every reply."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil, floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kclassify.core.rate_limit import RateLimit

_ROUNDING = 1e-9


def rate_limit_headers(limits: Iterable[RateLimit], unix_time: float) -> dict[str, str]:
    """`anthropic-ratelimit-...` with `limit`, `remaining` and `reset` for each limit.

    What is left of tokens is rounded to the nearest thousand, as the real ones are. The reset is
    when all of it is there again, in whole seconds and not before it is true.
    """
    headers: dict[str, str] = {}
    for limit in limits:
        start = f"anthropic-ratelimit-{limit.name}"
        headers[f"{start}-limit"] = f"{limit.limit:.15g}"
        headers[f"{start}-remaining"] = _remaining(limit)
        headers[f"{start}-reset"] = rfc_3339(unix_time + limit.resets_in_s)
    return headers


def _remaining(limit: RateLimit) -> str:
    if limit.name == "requests":
        return str(floor(limit.remaining + _ROUNDING))
    return f"{min(limit.limit, 1000.0 * floor(limit.remaining / 1000 + 0.5)):.15g}"


def rfc_3339(unix_time: float) -> str:
    """Unix time in seconds as RFC 3339, rounded up to whole seconds: `2026-11-26T12:00:05Z`."""
    whole = ceil(unix_time - _ROUNDING)
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def retry_after(wait_s: float) -> str:
    """Seconds to wait as `retry-after` tells them: whole ones, and one at least."""
    return str(max(1, ceil(wait_s - _ROUNDING)))
