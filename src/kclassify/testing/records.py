"""What the stub received and what became of it, safe to read from any thread."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

PENDING = "pending"
ANSWERED = "answered"
DISCONNECTED = "disconnected"
MALFORMED = "malformed"
UNANSWERABLE = "unanswerable"
UNAUTHENTICATED = "unauthenticated"
RATE_LIMITED = "rate_limited"
CRASHED = "crashed"

_KEY_HEADERS = frozenset({"x-api-key", "authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request.

    Attributes:
        index: from 0, in order of arrival.
        path: of the URL.
        headers: by lower-case name, without those that carry a key.
        has_key: whether an API key came along; the key itself is never kept.
        body: the JSON object received, or None when it was none.
        received: when it arrived, in seconds on the stub's clock (monotonic).
        in_flight: requests in flight when this one arrived, itself included.
        outcome: `answered`, the `kind` of the fault that was sent, `pending`, `disconnected` (the
            client left before an answer), `malformed` (no request of this API), `unanswerable`
            (the replies had none), `unauthenticated` (no key), `rate_limited` (by the plan's rate
            limits) or `crashed` (the replies raised).
        status: the HTTP status sent, None when none was.
        settled: when its outcome was known, on the same clock, None while it is pending.
    """

    index: int
    path: str
    headers: Mapping[str, str]
    has_key: bool
    body: Mapping[str, Any] | None
    received: float
    in_flight: int
    outcome: str = PENDING
    status: int | None = None
    settled: float | None = None


@dataclass(frozen=True, slots=True)
class StubState:
    """Counts since the start or the last clear; `outcomes` holds those of settled requests."""

    count: int = 0
    answered: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])


class Visit:
    """One request while it is being served."""

    __slots__ = ("_epoch", "_log", "_settled", "index")

    def __init__(self, log: RequestLog, epoch: int, index: int) -> None:
        self.index = index
        self._log = log
        self._epoch = epoch
        self._settled = False

    def settle(self, outcome: str, status: int | None) -> None:
        """Records what is sent; only the first call counts."""
        if not self._settled:
            self._settled = True
            self._log.settle(self._epoch, self.index, outcome, status)


class RequestLog:
    """Counts all requests and keeps the newest `keep` of them (None: all).

    `clock` gives the seconds of `RequestRecord.settled`.
    """

    def __init__(
        self, keep: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if keep is not None and keep < 0:
            raise ValueError(f"cannot keep {keep} requests")
        self._keep = keep
        self._clock = clock
        self._changed = threading.Condition()
        self._records: dict[int, RequestRecord] = {}
        self._outcomes: Counter[str] = Counter()
        self._epoch = self._count = self._in_flight = self._max_in_flight = 0

    @contextmanager
    def visit(
        self,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        received: float,
    ) -> Generator[Visit]:
        """Counts a request in, and out again whatever happens."""
        visit = self._enter(path, headers, body, received)
        try:
            yield visit
        except Exception:
            visit.settle(CRASHED, 500)
            raise
        finally:
            visit.settle(DISCONNECTED, None)
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _enter(
        self,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        received: float,
    ) -> Visit:
        with self._changed:
            index = self._count
            self._count += 1
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
            if self._keep != 0:
                kept, key = _without_keys(headers), has_key(headers)
                flying = self._in_flight
                self._store(RequestRecord(index, path, kept, key, body, received, flying))
            self._changed.notify_all()
            return Visit(self, self._epoch, index)

    def _store(self, record: RequestRecord) -> None:
        self._records[record.index] = record
        if self._keep is not None and len(self._records) > self._keep:
            del self._records[next(iter(self._records))]

    def settle(self, epoch: int, index: int, outcome: str, status: int | None) -> None:
        """Records an outcome, unless the log has been cleared since the request arrived."""
        with self._changed:
            if epoch != self._epoch:
                return
            self._outcomes[outcome] += 1
            record = self._records.get(index)
            if record is not None:
                self._records[index] = replace(
                    record, outcome=outcome, status=status, settled=self._clock()
                )
            self._changed.notify_all()

    def records(self) -> list[RequestRecord]:
        """The requests kept, oldest first."""
        with self._changed:
            return list(self._records.values())

    def state(self) -> StubState:
        """The counts now."""
        with self._changed:
            return self._state()

    def _state(self) -> StubState:
        outcomes = dict(self._outcomes)
        answered = outcomes.get(ANSWERED, 0)
        return StubState(self._count, answered, self._in_flight, self._max_in_flight, outcomes)

    def wait_until(self, holds: Callable[[StubState], bool], timeout_s: float) -> StubState:
        """Blocks until the counts satisfy a condition; TimeoutError with the counts otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self._state()), timeout_s):
                raise TimeoutError(f"not within {timeout_s:g} s: {self._state()}")
            return self._state()

    def clear(self) -> None:
        """Forgets all requests and counts from 0 again; those in flight stay in flight."""
        with self._changed:
            self._epoch += 1
            self._records.clear()
            self._outcomes.clear()
            self._count = 0
            self._max_in_flight = self._in_flight


def has_key(headers: Mapping[str, str]) -> bool:
    """Whether a header carries a key; expects names to be looked up whatever their case."""
    return bool(headers.get("x-api-key") or headers.get("authorization"))


def _without_keys(headers: Mapping[str, str]) -> dict[str, str]:
    lower = ((name.lower(), value) for name, value in headers.items())
    return {name: value for name, value in lower if name not in _KEY_HEADERS}
