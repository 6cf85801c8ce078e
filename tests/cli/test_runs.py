from __future__ import annotations

import pytest

from kclassify.errors import DatabaseError
from kclassify.store import SqlLedger
from kclassify.testing import Refusal, StubMessagesAPI, Throttled, Unauthorized
from tests.cli.place import Place, rows

WRITE = ("commit", "--override", "a test")

UNCACHED = '[classifier]\ncache = "off"\n'
"""Nobody is told that the prompt of a test is too short to be cached."""


def test_the_whole_loop_on_a_real_database(any_place: Place, stub: StubMessagesAPI) -> None:
    any_place.settle([*rows(6), (7, "a doubtful pattern", "playbook"), (8, " ", None)])
    before = any_place.labels()

    dry = any_place.run("dry-run")
    assert (dry.status, stub.count) == (0, 7)
    assert any_place.labels() == before
    assert "convention  →  pattern" in dry.out
    assert "1 item stays: not confident enough" in dry.out
    assert "1 item stays without an answer: see" in dry.out

    written = any_place.run(*WRITE)
    assert (written.status, stub.count) == (0, 7)
    assert any_place.labels() == {
        **{i: ("playbook", "pattern")[i % 2] for i in range(1, 7)},
        7: "playbook",
        8: None,
    }
    assert "6 rows written" in written.out

    again = any_place.run(*WRITE)
    assert (again.status, stub.count) == (0, 7)
    assert "0 rows written" in again.out
    assert "6 items keep their label" in again.out

    undone = any_place.run("rollback")
    assert (undone.status, undone.out) == (0, "6 rows put back in run 'articles'.\n")
    assert any_place.labels() == before


def test_a_commit_without_an_override_is_refused_in_one_line(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(2))
    ended = place.run("commit")
    assert (ended.status, ended.out, stub.count) == (2, "", 0)
    assert ended.err.startswith("kclassify: commit writes only after an evaluation passed")
    assert "--override" in ended.err.splitlines()[-1]


def test_the_override_is_loud_and_kept(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    ended = place.run("commit", "--override", "agreed in the meeting")
    assert "WRITING WITHOUT A GATE, override: agreed in the meeting" in ended.err
    (only,) = place.run("status", "--json").json["passes"]
    assert only["override"] == "agreed in the meeting"


@pytest.mark.parametrize("command", [("dry-run",), WRITE])
def test_with_json_standard_output_is_json_and_nothing_else(
    place: Place, stub: StubMessagesAPI, command: tuple[str, ...]
) -> None:
    place.settle(rows(4))
    ended = place.run(*command, "--json")
    facts = ended.json
    assert facts["decision"] == {"kind": "done"}
    assert (facts["items"], facts["calls"], facts["recalled"]) == (4, 4, 0)
    assert facts["pass"]["outcomes"] == {"judged": 4}
    assert {t["rows"] for t in facts["pass"]["transitions"]} == {2}
    assert "4/4 items" in ended.err


def test_quiet_leaves_progress_out(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2), UNCACHED)
    assert place.run("dry-run", "--quiet").err == ""
    assert place.run("--quiet", "dry-run").err == ""


def test_max_items_ends_well_and_says_how_many_are_left(
    place: Place, stub: StubMessagesAPI
) -> None:
    place.settle(rows(5))
    first = place.run("dry-run", "--max-items", "2")
    assert first.status == 0
    assert "3 items left" in first.out
    assert place.run("dry-run", "--max-items", "3").status == 0
    assert stub.count == 5
    assert "`kclassify commit` writes it.\n" in place.run("dry-run").out
    assert stub.count == 5


def test_a_halt_has_status_1_and_says_what_to_mend(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(5))
    stub.set_fault(Unauthorized())
    ended = place.run("dry-run")
    assert ended.status == 1
    assert "Halted: " in ended.out
    assert "sk-made-up" not in ended.out + ended.err
    assert ended.out.startswith("Halted: ")
    assert "No item is settled yet." in place.run("status").out
    stub.set_fault(None)
    assert place.run("dry-run").status == 0


def test_once_gives_a_snooze_back_with_status_75(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(12))
    stub.set_fault(Throttled(retry_after=7))
    ended = place.run("dry-run", "--once", "--json")
    assert ended.status == 75
    assert ended.json["decision"]["kind"] == "snooze"
    assert ended.json["decision"]["seconds"] >= 7


def test_once_finishes_what_one_step_can(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(3))
    ended = place.run("dry-run", "--once")
    assert ended.status == 0
    assert "Done" in ended.out


def test_a_run_of_another_name_is_another_run(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    place.run("dry-run")
    place.run("dry-run", "--run", "second")
    assert stub.count == 2
    names = [run["name"] for run in place.run("status", "--all", "--json").json]
    assert sorted(names) == ["articles", "second"]


def test_an_empty_corpus_is_a_success_that_says_so(any_place: Place, stub: StubMessagesAPI) -> None:
    any_place.settle([])
    for command in (("dry-run",), WRITE):
        ended = any_place.run(*command)
        assert ended.status == 0
        assert "holds no items" in ended.out


def test_one_item_is_spoken_of_in_the_singular(place: Place, stub: StubMessagesAPI) -> None:
    place.settle([(1, "a pattern", "pattern")])
    assert "1 item keeps its label" in place.run("dry-run").out


def test_nothing_to_undo_and_nothing_to_audit_are_successes_that_say_so(
    any_place: Place, stub: StubMessagesAPI
) -> None:
    any_place.settle(rows(2))
    any_place.run("dry-run")
    undone, audit = any_place.run("rollback"), any_place.run("audit")
    assert (undone.status, audit.status) == (0, 0)
    assert undone.out.startswith("Nothing to put back: ")
    assert audit.out == "No changes: the run has written nothing.\n"
    assert any_place.run("audit", "--json").json == []
    any_place.run(*WRITE)
    assert any_place.run("rollback").out == "2 rows put back in run 'articles'.\n"
    again = any_place.run("rollback")
    assert (again.status, again.out.startswith("Nothing to put back: ")) == (0, True)


def test_conflicts_are_counted_and_named(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4))
    place.run(*WRITE)
    place.relabel(3, "playbook")
    undone = place.run("rollback", "--json")
    assert undone.status == 1
    assert undone.json == {"run": "articles", "reverted": 3, "conflicts": 1, "kept": 0}
    statuses = {c["key"]: c["status"] for c in place.run("audit", "--json").json}
    assert statuses == {1: "reverted", 2: "reverted", 3: "revert-conflict", 4: "reverted"}


def test_failures_are_listed_and_retried_by_kind(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4))
    stub.script([Refusal()])
    place.run("dry-run", "--max-concurrency", "1")
    (failure,) = place.run("failures", "--json").json
    assert (failure["key"], failure["kind"]) == (1, "refused")
    assert place.run("failures", "--kind", "invalid", "--json").json == []

    none = place.run("retry", "--kind", "invalid")
    assert (none.status, none.out.startswith("Nothing to retry: ")) == (0, True)
    assert place.run("retry", "--kind", "invalid", "--json").json["retried"] == 0
    again = place.run("retry", "--kind", "refused", "--commit", "--override", "a test")
    assert (again.status, stub.count) == (0, 5)
    assert "asking again about 1 item of 'articles'" in again.err
    assert set(place.labels().values()) == {"playbook", "pattern"}
    assert place.run("failures", "--json").json == []


def test_a_retry_by_key_asks_about_that_item_only(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(4))
    stub.script([Refusal(), Refusal()])
    place.run("dry-run", "--max-concurrency", "1")
    assert place.run("retry", "--key", "2", "--json").json["retried"] == 1
    assert stub.count == 5
    (left,) = place.run("failures", "--json").json
    assert left["key"] == 1


def test_the_audit_comes_in_three_forms(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    place.run(*WRITE)
    assert "convention" in place.run("audit").out
    lines = place.run("audit", "--format", "jsonl").out.splitlines()
    assert len(lines) == 2
    header, *body = place.run("audit", "--format", "csv").out.splitlines()
    assert header.startswith("id,pass,key,before,after,confidence,status")
    assert len(body) == 2


def test_status_shows_the_passes_and_the_transitions(place: Place, stub: StubMessagesAPI) -> None:
    place.settle(rows(2))
    place.run("dry-run")
    place.run(*WRITE)
    shown = place.run("status").out
    assert "written 2" in shown
    assert "convention  →  pattern" in shown


def test_labels_cannot_draw_on_the_terminal(place: Place, stub: StubMessagesAPI) -> None:
    label = "con\x1b[2Jvention"
    place.settle(rows(1, label))
    ended = place.run("dry-run")
    assert ended.status == 2
    assert "\x1b" not in ended.err + ended.out


def test_a_ledger_that_is_lost_in_mid_run_says_that_the_run_can_be_resumed(
    place: Place, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.settle(rows(2), UNCACHED)

    def lost(*_: object, **__: object) -> None:
        raise DatabaseError("the connection is lost")

    monkeypatch.setattr(SqlLedger, "checkpoint", lost)
    ended = place.run("dry-run", "--quiet")
    assert ended.status == 1
    assert ended.err == (
        "kclassify: the connection is lost; the run can be resumed: run the same command again\n"
    )
