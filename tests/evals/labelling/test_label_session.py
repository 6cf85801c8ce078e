from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kclassify.errors import SourceError, UsageError
from kclassify.evals.labelled import GoldStatus, LabelledItem
from kclassify.evals.labelling.server import LabelServer
from kclassify.evals.labelling.session import Session
from kclassify.evals.sample_file import read_rows, write_rows
from tests.evals.labelling.browser import CATEGORIES, LABELS, Browser, rows

if TYPE_CHECKING:
    from pathlib import Path


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
        patch.setattr("os.fsync", full)
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
