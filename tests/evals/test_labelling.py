from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.taxonomy import Category
from kclassify.errors import SourceError, UsageError
from kclassify.evals import whole_file
from kclassify.evals.labelled import GoldStatus, LabelledItem
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.labelling.session import Session
from kclassify.evals.labelling.votes import UNNAMED, is_contested, voted, votes_of, wants
from kclassify.evals.sample_file import read_rows, write_rows

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = tuple(Category(name=name, definition=f"a {name}") for name in ("playbook", "pattern"))
LABELS = ("playbook", "pattern", "insight")
NASTY = "</div><script>alert(1)</script> \0 \u202e \u2028 \ud800 שלום"


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [
        LabelledItem(
            id=f"kb-{n}", body=f"text {n}", title=f"Title {n}", current="secret", weight=2.0
        )
        for n in range(4)
    ]
    write_rows(tmp_path / "sample.jsonl", rows)
    return tmp_path / "sample.jsonl"


@pytest.fixture
def serve(path: Path) -> Iterator[Callable[..., LabelServer]]:
    running: list[tuple[LabelServer, threading.Thread]] = []

    def start(by: str = "") -> LabelServer:
        server = LabelServer(Session(path, LABELS), CATEGORIES, by=by)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(serve: Callable[..., LabelServer]) -> LabelServer:
    return serve()


def rows(path: Path) -> dict[str, LabelledItem]:
    return {row.id: row for row in read_rows(path)}


def test_a_label_is_in_the_file_before_it_is_confirmed(server: LabelServer, path: Path) -> None:
    browser = Browser(server)
    assert browser.queue() == dict.fromkeys(["kb-0", "kb-1", "kb-2", "kb-3"])
    assert browser.ask("POST", "/api/vote", {"id": "kb-1", "label": "pattern"}) == (
        200,
        {"id": "kb-1", "mine": "pattern"},
    )
    row = rows(path)["kb-1"]
    assert (row.gold, row.gold_by, row.gold_status) == ("pattern", ("ann",), GoldStatus.SINGLE)
    assert (row.current, row.weight, dict(row.votes)) == ("secret", 2.0, {"ann": "pattern"})
    assert [each.gold for each in rows(path).values()].count(None) == 3
    assert browser.queue()["kb-1"] == "pattern"


def test_the_page_never_learns_what_anything_or_anybody_else_said(
    server: LabelServer, path: Path
) -> None:
    assert Browser(server, "bob").vote("kb-0", "insight") == 200
    told = "".join(
        str(Browser(server).ask("GET", address)[1])
        for address in ("/api/sample", "/api/queue", "/api/item?id=kb-0", "/page.js")
    )
    for hidden in ("secret", "insight", "bob"):
        assert hidden not in told
    assert Browser(server).ask("GET", "/api/item?id=kb-0")[1] == {
        "id": "kb-0",
        "title": "Title 0",
        "body": "text 0",
    }


def test_the_page_is_told_the_categories_and_whom_to_suggest(
    serve: Callable[..., LabelServer],
) -> None:
    status, sample = Browser(serve(by="ann")).ask("GET", "/api/sample")
    assert (status, sample["file"], sample["by"]) == (200, "sample.jsonl", "ann")
    assert [each["name"] for each in sample["categories"]] == ["playbook", "pattern"]
    assert sample["categories"][0]["definition"] == "a playbook"


@pytest.mark.parametrize("token", ["", "wrong", "\u00e9", None])
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/sample"),
        ("GET", "/api/queue"),
        ("GET", "/api/item?id=kb-0"),
        ("POST", "/api/vote"),
    ],
)
def test_nothing_is_told_or_stored_without_the_token(
    server: LabelServer, path: Path, method: str, address: str, token: str | None
) -> None:
    before = path.read_bytes()
    sent = {"id": "kb-0", "label": "pattern"} if method == "POST" else None
    status, told = Browser(server).ask(method, address, sent, X_Token=token)
    assert (status, set(told)) == (403, {"error"})
    assert path.read_bytes() == before


def test_the_page_itself_needs_the_token_of_its_address(server: LabelServer) -> None:
    browser = Browser(server)
    parts = urlsplit(server.url)
    status, told = browser.ask("GET", f"/?{parts.query}", X_Token=None)
    assert (status, told[:15]) == (200, "<!doctype html>")
    for address in ("/", "/?token=", "/?token=wrong"):
        assert browser.ask("GET", address, X_Token=None)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:80"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_reach_it_even_with_the_token(
    server: LabelServer, path: Path, headers: dict[str, str]
) -> None:
    before = path.read_bytes()
    for method, address in (("GET", f"/?token={server.token}"), ("POST", "/api/vote")):
        sent = {"id": "kb-0", "label": "pattern"} if method == "POST" else None
        assert Browser(server).ask(method, address, sent, **headers)[0] == 403
    assert path.read_bytes() == before
    ours = f"http://127.0.0.1:{server.server_port}"
    assert Browser(server).ask("GET", "/api/queue", Origin=ours)[0] == 200


def test_the_server_listens_on_this_machine_alone(server: LabelServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32


@pytest.mark.parametrize("address", ["/", "/page.js", "/page.css", "/api/item?id=kb-0"])
def test_every_answer_forbids_what_the_page_does_not_need(
    server: LabelServer, address: str
) -> None:
    if address == "/":
        address = f"/?token={server.token}"
    status, headers, content = Browser(server).raw("GET", address)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not [word for word in content.decode().split() if "//" in word and "http" in word]


def test_text_of_any_kind_arrives_as_it_is_and_as_text(
    serve: Callable[..., LabelServer], path: Path
) -> None:
    large = "long " * 200_000
    write_rows(
        path, [LabelledItem(id="a/?&", body=NASTY, title=NASTY), LabelledItem(id="b", body=large)]
    )
    browser = Browser(serve())
    status, headers, content = browser.raw("GET", f"/api/item?id={quote('a/?&', safe='')}")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(content) == {"id": "a/?&", "title": NASTY, "body": NASTY}
    assert browser.ask("GET", "/api/item?id=b")[1]["body"] == large
    assert browser.vote("a/?&", "pattern") == browser.vote("b", "pattern") == 200
    assert rows(path)["a/?&"].body == NASTY
    assert rows(path)["b"].body == large


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        ({"id": "kb-0"}, 200),
        ({"id": 3, "label": "pattern"}, 400),
        ({"id": "kb-0", "label": ["pattern"]}, 400),
        ({"id": "kb-0", "label": "convention"}, 400),
        ({"id": "nobody", "label": "pattern"}, 400),
        (b"[" * 60_000, 400),
        (b" " * 70_000, 413),
    ],
)
def test_a_vote_that_is_none_changes_nothing(
    server: LabelServer, path: Path, sent: Any, status: int
) -> None:
    before = rows(path)
    assert Browser(server).ask("POST", "/api/vote", sent)[0] == status
    assert rows(path) == before


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "\u202eann"])
def test_somebody_without_a_name_cannot_label(server: LabelServer, path: Path, name: str) -> None:
    status, told = Browser(server, name).ask(
        "POST", "/api/vote", {"id": "kb-0", "label": "pattern"}
    )
    assert (status, "name" in told["error"]) == (400, True)
    assert rows(path)["kb-0"].gold is None


@pytest.mark.parametrize("address", ["/favicon.ico", "/../session.py", "/api/gold"])
def test_there_is_nothing_else(server: LabelServer, address: str) -> None:
    assert Browser(server).ask("GET", address)[0] == 404
    assert Browser(server).ask("POST", address, {})[0] == 404


def test_a_second_person_labels_the_same_rows_and_a_third_decides(
    server: LabelServer, path: Path
) -> None:
    ann, bob, eve = (Browser(server, name) for name in ("ann", "bob", "eve"))
    for n, label in enumerate(["playbook", "playbook", "pattern"]):
        assert ann.vote(f"kb-{n}", label) == 200
    assert bob.queue() == dict.fromkeys(["kb-0", "kb-1", "kb-2", "kb-3"])
    assert bob.vote("kb-0", "playbook") == bob.vote("kb-1", "pattern") == 200
    agreed, contested = rows(path)["kb-0"], rows(path)["kb-1"]
    assert (agreed.gold, agreed.gold_status) == ("playbook", GoldStatus.AGREED)
    assert agreed.gold_by == ("ann", "bob")
    assert (contested.gold, contested.gold_status) == (None, None)
    assert dict(contested.votes) == {"ann": "playbook", "bob": "pattern"}
    assert list(eve.queue()) == ["kb-1", "kb-2", "kb-3"]
    assert eve.vote("kb-1", "pattern") == 200
    decided = rows(path)["kb-1"]
    assert (decided.gold, decided.gold_status) == ("pattern", GoldStatus.ADJUDICATED)
    assert decided.gold_by == ("ann", "bob", "eve")
    assert server.session.tally().contested == 0


def test_a_label_is_taken_back(server: LabelServer, path: Path) -> None:
    ann, bob = Browser(server), Browser(server, "bob")
    ann.vote("kb-0", "pattern")
    bob.vote("kb-0", "playbook")
    bob.vote("kb-0", None)
    assert (rows(path)["kb-0"].gold, rows(path)["kb-0"].gold_by) == ("pattern", ("ann",))
    ann.vote("kb-0", None)
    row = rows(path)["kb-0"]
    assert (row.gold, row.gold_by, row.gold_status, dict(row.votes)) == (None, (), None, {})


def test_two_servers_over_one_file_keep_each_others_labels(
    serve: Callable[..., LabelServer], path: Path
) -> None:
    one, other = Browser(serve(), "ann"), Browser(serve(), "bob")

    def label_all(browser: Browser) -> None:
        for n in range(4):
            assert browser.vote(f"kb-{n}", "pattern") == 200

    threads = [threading.Thread(target=label_all, args=(each,)) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {tuple(sorted(row.gold_by)) for row in rows(path).values()} == {("ann", "bob")}


def test_a_file_that_changes_meanwhile_is_read_anew(server: LabelServer, path: Path) -> None:
    browser = Browser(server)
    browser.vote("kb-0", "pattern")
    kept = [row for row in read_rows(path) if row.id != "kb-3"]
    write_rows(path, [*kept, LabelledItem(id="new", body="drawn since")])
    assert list(browser.queue()) == ["kb-0", "kb-1", "kb-2", "new"]
    status, told = browser.ask("POST", "/api/vote", {"id": "kb-3", "label": "pattern"})
    assert (status, told["error"]) == (
        400,
        f"{path} has no row 'kb-3' any more: load the page again",
    )
    assert browser.vote("new", "pattern") == 200


def test_a_full_disk_loses_no_earlier_label_and_is_told(
    server: LabelServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(server)
    browser.vote("kb-0", "pattern")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(whole_file.os, "fsync", full)
        status, told = browser.ask("POST", "/api/vote", {"id": "kb-1", "label": "pattern"})
    assert (status, told["error"]) == (400, f"{path}: cannot be written: No space left on device")
    assert {row.id for row in rows(path).values() if row.gold} == {"kb-0"}
    assert browser.queue()["kb-1"] is None
    assert browser.vote("kb-1", "pattern") == 200


def test_an_empty_sample_and_a_taken_port_are_refused(server: LabelServer, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(SourceError, match="draw some with `kclassify sample`"):
        Session(tmp_path / "empty.jsonl", LABELS)
    with pytest.raises(UsageError, match=r"port \d+ of 127.0.0.1 cannot be used: .* leave --port"):
        LabelServer(server.session, CATEGORIES, port=server.server_port)


def test_a_label_that_was_there_before_counts_as_one_persons() -> None:
    row = LabelledItem(id="1", body="a", gold="pattern")
    assert votes_of(row) == {UNNAMED: "pattern"}
    other = voted(row, "ann", "playbook")
    assert (other.gold, is_contested(other)) == (None, True)
    same = voted(row, "ann", "pattern")
    assert (same.gold, same.gold_status, same.gold_by) == ("pattern", GoldStatus.AGREED, ("ann",))
    assert voted(same, "ann", None).gold == "pattern"
    named = LabelledItem(id="1", body="a", gold="pattern", gold_by=("bob",))
    assert not wants(named, "bob")
    assert dict(voted(named, "bob", "insight").votes) == {"bob": "insight"}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.sampled_from(LABELS)), max_size=12)
)
def test_gold_is_what_most_people_said_last(said: list[tuple[str, str | None]]) -> None:
    row = LabelledItem(id="1", body="a")
    last: dict[str, str] = {}
    for by, label in said:
        row = voted(row, by, label)
        last.pop(by, None)
        if label is not None:
            last[by] = label
    assert dict(row.votes) == last
    counts = {label: list(last.values()).count(label) for label in last.values()}
    best = [label for label, count in counts.items() if count == max(counts.values())]
    assert row.gold == (best[0] if len(best) == 1 else None)
    assert (row.gold_status is None) == (row.gold is None)
    assert all(not wants(row, by) for by in last)
    assert wants(row, "new one") == (len(last) < 2 or row.gold is None)
    if row.gold_status is GoldStatus.ADJUDICATED:
        assert len(counts) > 1
        assert len(last) > 2
