"""Reads a provider's exception into a `Failure`, whichever library raised it."""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from kclassify.classifier.answer import Failure, FailureKind

if TYPE_CHECKING:
    from kclassify.classifier.redaction import Redaction

LONGEST_RETRY_AFTER_S = 86_400.0
"""Seconds; a provider that asks for more is taken to ask for this."""

_CODE_FIELDS = ("type", "code", "error_code", "status", "param")
_DEEPEST = 6
# What fails before a request can leave: finding the host, connecting, waiting for a connection.
_UNSENT = frozenset(
    {
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectionRefusedError",
        "ConnectionTimeoutError",
        "PoolTimeout",
        "ProxyError",
        "gaierror",
    }
)
# aiohttp's transport tells of each lost connection as one that was not made.
_AIOHTTP, _AIOHTTP_UNSENT = (
    "ClientError",
    frozenset({"ClientConnectorError", "ClientHttpProxyError", "ConnectionTimeoutError"}),
)
_UNSENT_KINDS = frozenset(
    {FailureKind.CERTIFICATE, FailureKind.CREDENTIALS, FailureKind.UNSENDABLE}
)
_KINDS = {
    FailureKind.TIMEOUT: {"TimeoutException", "APITimeoutError", "TimeoutError"},
    FailureKind.CONNECTION: {"APIConnectionError", "TransportError", "OSError"},
    FailureKind.BROKEN_BODY: {"JSONDecodeError", "APIResponseValidationError", "DecodingError"},
}
_NO_URL = frozenset({"InvalidURL", "UnsupportedProtocol"})
# What the HTTP libraries say of a key with a line break in it.
_NO_HEADER = ("potential header injection", "illegal header name", "illegal header value")
_NO_CREDENTIALS = ("could not resolve authentication", "api_key client option must be set")


def read_failure(error: BaseException, redaction: Redaction, now: float) -> Failure:
    """The failure behind an exception. `now` is Unix time, for dates among the headers."""
    chain = list(_chain(error))
    told = next((e for e in chain if _status(e)), None)
    if told is not None:
        return _of_status(told, redaction, now)
    kind = _kind(chain)
    is_sent = kind not in _UNSENT_KINDS and not _is_unsent(_names(chain))
    return Failure(kind, message=redaction.clean(_words(kind, chain)), is_sent=is_sent)


def _is_unsent(names: set[str]) -> bool:
    return bool(names & (_AIOHTTP_UNSENT if _AIOHTTP in names else _UNSENT))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes; instructor's own wrappers are no news."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        if not type(following).__module__.startswith("instructor"):
            yield following
        following = following.__cause__ or following.__context__


def _status(error: BaseException) -> int:
    if type(error).__module__.startswith("aiohttp"):
        return 0  # its parser has codes of its own for what a server never said
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    plausible = isinstance(status, int) and status >= HTTPStatus.MULTIPLE_CHOICES
    return int(cast("int", status)) if plausible else 0


def _of_status(error: BaseException, redaction: Redaction, now: float) -> Failure:
    body = getattr(error, "body", None)
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    return Failure(
        FailureKind.STATUS,
        _status(error),
        frozenset(_codes(body, _DEEPEST)),
        redaction.clean(_message(body) or ""),
        retry_after(headers, now),
    )


def _codes(body: object, depth: int) -> Iterator[str]:
    """The types and codes anywhere in an error's body."""
    if not depth:
        return
    if isinstance(body, Mapping):
        fields = cast("Mapping[Any, object]", body)
        named = (fields.get(name) for name in _CODE_FIELDS)
        yield from (value for value in named if isinstance(value, str))
        for value in fields.values():
            yield from _codes(value, depth - 1)
    elif isinstance(body, list):
        for value in cast("list[object]", body):
            yield from _codes(value, depth - 1)


def _message(body: object, depth: int = _DEEPEST) -> str | None:
    if not isinstance(body, Mapping) or not depth:
        return None
    fields = cast("Mapping[Any, object]", body)
    inner = fields.get("error", fields.get("message", fields.get("detail")))
    return inner if isinstance(inner, str) else _message(inner, depth - 1) or _own(fields)


def _own(fields: Mapping[Any, object]) -> str | None:
    message = fields.get("message")
    return message if isinstance(message, str) else None


def _kind(chain: list[BaseException]) -> FailureKind:
    names = _names(chain)
    words = " ".join(str(error) for error in chain).casefold()
    if any(isinstance(error, ssl.SSLCertVerificationError) for error in chain):
        return FailureKind.CERTIFICATE
    if "CredentialsError" in names or any(sign in words for sign in _NO_CREDENTIALS):
        return FailureKind.CREDENTIALS
    if _is_unsendable(chain, names, words):
        return FailureKind.UNSENDABLE
    return next((kind for kind, signs in _KINDS.items() if names & signs), FailureKind.UNEXPECTED)


def _is_unsendable(chain: list[BaseException], names: set[str], words: str) -> bool:
    """Whether no request can leave: its URL, its headers, or a proxy that does not know us."""
    told = {str(error)[:3] for error in chain if "ProxyError" in _names([error])}
    is_unknown = str(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED.value) in told
    return is_unknown or bool(names & _NO_URL) or any(sign in words for sign in _NO_HEADER)


def _names(chain: list[BaseException]) -> set[str]:
    return {cls.__name__ for error in chain for cls in type(error).__mro__}


def _words(kind: FailureKind, chain: list[BaseException]) -> str:
    # A JSON decoder ends by a StopIteration whose text is a position.
    told = (str(error) for error in reversed(chain) if not isinstance(error, StopIteration))
    innermost = next((text for text in told if text), "")
    if kind is FailureKind.UNEXPECTED:
        return f"{type(chain[0]).__name__}: {chain[0]}" if chain else "no reason was given"
    return innermost


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the headers ask to wait, in (0, a day]; None when they ask for nothing sane."""
    milliseconds = _number(headers.get("retry-after-ms"))
    text = headers.get("retry-after")
    seconds = _number(text) if milliseconds is None else milliseconds / 1000
    if seconds is None and text:
        seconds = _until(text, now)
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return min(seconds, LONGEST_RETRY_AFTER_S)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.fromtimestamp(now, UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
