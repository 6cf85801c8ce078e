"""A server of canned endpoints, for bytes that the stub never sends, and to see those it got."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


@dataclass(frozen=True)
class Canned:
    """An answer. `kept_back` are bytes that are promised and never come.

    A status of 0 has the body sent as it is, without any head, and the connection closed.
    """

    body: bytes
    status: int = 200
    kind: str = "application/json"
    kept_back: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, body: object, status: int = 200) -> Canned:
        """JSON."""
        return cls(json.dumps(body).encode(), status)


@dataclass
class Endpoints:
    """`answers` by method and path, the last of each for ever.

    `asked` is what came, in order, `headers` those of each by lower-case name.
    """

    url: str
    answers: dict[str, list[Canned]]
    asked: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def answer(self, asked: str, body: bytes) -> Canned:
        """The next answer."""
        self.asked.append((asked, body))
        found = self.answers.get(asked) or [Canned.of({}, 404)]
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def endpoints(answers: Mapping[str, Canned | list[Canned]]) -> Generator[Endpoints]:
    """The server, running."""
    listed = {name: each if isinstance(each, list) else [each] for name, each in answers.items()}
    served = Endpoints("", listed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in two packets waits for the acknowledgement of the first

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            served.headers.append({name.lower(): text for name, text in self.headers.items()})
            answer = served.answer(f"{self.command} {self.path}", body)
            if not answer.status:
                self.wfile.write(answer.body)
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body) + answer.kept_back))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = self.close_connection or answer.kept_back > 0

        do_GET = do_POST = do_CONNECT = _serve  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def batch_body(name: str = "msgbatch_1", status: str = "ended", **fields: Any) -> dict[str, Any]:
    """A batch as the API tells of it."""
    counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts,
        "created_at": "2026-11-26T10:00:00+00:00",
        "expires_at": "2026-11-27T10:00:00+00:00",
        "ended_at": None,
        "cancel_initiated_at": None,
        "archived_at": None,
        "results_url": "https://elsewhere.invalid/results",
        **fields,
    }
