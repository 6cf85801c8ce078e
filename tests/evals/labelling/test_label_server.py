from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from kclassify.evals.labelled import LabelledItem
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.sample_file import write_rows
from tests.evals.labelling.browser import Browser, rows

if TYPE_CHECKING:
    from pathlib import Path

NASTY = "</div><script>alert(1)</script> \0 \u202e \u2028 \ud800 שלום"


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
