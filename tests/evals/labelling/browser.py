"""What the tests of the label page talk to it with."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kclassify.core.taxonomy import Category
from kclassify.evals.sample_file import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.evals.labelled import LabelledItem
    from kclassify.evals.labelling.server import LabelServer

CATEGORIES = tuple(Category(name=name, definition=f"a {name}") for name in ("playbook", "pattern"))
LABELS = ("playbook", "pattern", "insight")


class Browser:
    """Talks to the server as the page does, or not quite."""

    def __init__(self, server: LabelServer, by: str = "ann") -> None:
        self.server, self.by = server, by

    def ask(self, method: str, path: str, sent: Any = None, **headers: str | None) -> Any:
        """Status, and the JSON or the text of the answer."""
        status, _, content = self.raw(method, path, sent, **headers)
        is_json = content[:1] in (b"{", b"[")
        return status, json.loads(content) if is_json else content.decode()

    def raw(self, method: str, path: str, sent: Any = None, **headers: str | None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        given_: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.server.server_port}",
            "X-Token": self.server.token,
            "X-Annotator": quote(self.by),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        body = sent if isinstance(sent, bytes) else None if sent is None else json.dumps(sent)
        kept = {name: value for name, value in given_.items() if value is not None}
        connection.request(method, path, body, kept)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def vote(self, identity: str, label: str | None) -> int:
        status: int = self.ask("POST", "/api/vote", {"id": identity, "label": label})[0]
        return status

    def queue(self) -> dict[str, str | None]:
        status, found = self.ask("GET", "/api/queue")
        assert status == 200, found
        return {row["id"]: row["mine"] for row in found["rows"]}


def rows(path: Path) -> dict[str, LabelledItem]:
    return {row.id: row for row in read_rows(path)}
