"""Serves the page to this machine alone, and takes the labels that it sends.

Every request needs the token of the URL and the right `Host`, so that no other page in the browser
can reach it, not even by a name that it makes point here.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from kclassify.core.taxonomy import Category
from kclassify.errors import KclassifyError, UsageError
from kclassify.evals.labelling.session import Session

_ADDRESS = "127.0.0.1"
_LONGEST_REQUEST = 64 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class Refused(Exception):
    """A request that is not answered, with its status."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class LabelServer(ThreadingHTTPServer):
    """The page for one sample, on a port of this machine (0: any that is free).

    `by` is the name that the page suggests. Raises `UsageError` when the port is taken.
    """

    daemon_threads = True

    def __init__(
        self, session: Session, categories: Sequence[Category], *, by: str = "", port: int = 0
    ) -> None:
        self.session = session
        self.categories = categories
        self.by = by
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((_ADDRESS, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"port {port} of {_ADDRESS} cannot be used: {error.strerror}: leave --port out"
            ) from None

    def server_bind(self) -> None:
        """Without the look-up of this machine's name that `HTTPServer` does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _ADDRESS, self.server_address[1]

    @property
    def url(self) -> str:
        """Where the page is, with the token that opens it."""
        return f"http://{_ADDRESS}:{self.server_port}/?token={self.token}"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser on this machine calls it."""
        return frozenset({f"{_ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "kclassify"
    sys_version = ""
    timeout = 60
    server: LabelServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Nothing: the line of a request holds the token."""

    def _answer(self, respond: Callable[[], tuple[str, bytes]]) -> None:
        try:
            self._check_host()
            kind, content = respond()
            status = HTTPStatus.OK
        except Refused as refused:
            status, kind, content = refused.status, *_as_json({"error": str(refused)})
        except KclassifyError as error:
            status, kind, content = HTTPStatus.BAD_REQUEST, *_as_json({"error": str(error)})
        self._send(status, kind, content)

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        if status is not HTTPStatus.OK:
            self.close_connection = True  # what was not read of the request is not the next one
        headers = {
            **_HEADERS,
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **({"Connection": "close"} if self.close_connection else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _check_host(self) -> None:
        origin = self.headers.get("Origin")
        hosts = self.server.hosts
        is_ours = origin is None or origin.removeprefix("http://") in hosts
        if self.headers.get("Host") not in hosts or not is_ours:
            raise Refused(HTTPStatus.FORBIDDEN, "this page is for this machine alone")

    def _check_token(self, given: str | None) -> None:
        expected = self.server.token.encode()
        if not hmac.compare_digest((given or "").encode("utf-8", "replace"), expected):
            raise Refused(
                HTTPStatus.FORBIDDEN, "open the address that `kclassify label` printed, all of it"
            )

    def _get(self) -> tuple[str, bytes]:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path in _STATIC:
            if address.path == "/":
                self._check_token(query.get("token"))
            name, kind = _STATIC[address.path]
            return kind, files("kclassify.evals.labelling").joinpath(name).read_bytes()
        self._check_token(self.headers.get("X-Token"))
        if address.path == "/api/sample":
            return _as_json(self._sample())
        if address.path == "/api/queue":
            return _as_json(self._queue())
        if address.path == "/api/item":
            return _as_json(self._item(query.get("id", "")))
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self) -> tuple[str, bytes]:
        self._check_token(self.headers.get("X-Token"))
        if urlsplit(self.path).path != "/api/vote":
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        said = self._body()
        identity, label = said.get("id"), said.get("label")
        if not isinstance(identity, str) or not isinstance(label, str | None):
            raise Refused(HTTPStatus.BAD_REQUEST, "a vote has an id and a label, or null for none")
        self.server.session.vote(identity, self._annotator(), label)
        return _as_json({"id": identity, "mine": label})

    def _body(self) -> Mapping[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_REQUEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a vote is shorter than this")
        try:
            parsed: object = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "a vote is JSON") from None
        if not isinstance(parsed, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "a vote is an object")
        return cast("Mapping[str, Any]", parsed)

    def _annotator(self) -> str:
        return unquote(self.headers.get("X-Annotator", ""))

    def _sample(self) -> dict[str, Any]:
        server = self.server
        return {
            "file": server.session.path.name,
            "by": server.by,
            "categories": [
                {
                    "name": category.name,
                    "definition": category.definition,
                    "choose_when": category.choose_when,
                    "not_when": category.not_when,
                    "examples": category.examples,
                }
                for category in server.categories
            ],
        }

    def _queue(self) -> dict[str, Any]:
        places = self.server.session.queue(self._annotator())
        return {"rows": [{"id": place.id, "mine": place.mine} for place in places]}

    def _item(self, identity: str) -> dict[str, Any]:
        """Title and text, and nothing of what anybody or anything said of them."""
        row = self.server.session.row(identity)
        return {"id": row.id, "title": row.title, "body": row.body}


def _as_json(value: object) -> tuple[str, bytes]:
    return "application/json; charset=utf-8", json.dumps(value).encode()
