"""Rows that got no usable answer are asked about again, where that is wanted."""

from __future__ import annotations

import pytest

from kclassify.testing import BadConfidence, Refusal, StubMessagesAPI
from tests.cli.place import Place, rows
from tests.cli.test_eval import LABELS, line, lines, settle


def test_replies_that_nobody_can_use_are_asked_for_again_when_told_so(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20))
    stub.set_fault(BadConfidence())
    broken = place.run("eval", "suite.toml")
    assert broken.status == 2
    assert "none of 20 labelled rows has an answer to score: invalid 20" in broken.err
    assert "`kclassify eval --retry-failed` asks again" in broken.err
    stub.set_fault(None)
    stub.clear()
    assert place.run("eval", "suite.toml").status == 2
    assert stub.count == 0
    assert place.run("eval", "suite.toml", "--retry-failed").status == 3
    assert stub.count == 20
    assert place.run("eval", "suite.toml").status == 3
    assert place.run("eval", "suite.toml", "--retry-failed").status == 3
    assert stub.count == 20


def test_the_report_counts_such_rows_and_names_the_way_out(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, lines(20))
    stub.script([Refusal(), Refusal()])
    told = "now gave no usable answer to 2 rows (refused 2): `kclassify eval --retry-failed` asks"
    assert told in place.run("eval", "suite.toml").out
    assert "no usable answer" not in place.run("eval", "suite.toml", "--retry-failed").out
    assert stub.count == 22


def test_a_failure_in_the_ledger_is_forgotten_and_a_commit_recalls_the_new_answer(
    place: Place, stub: StubMessagesAPI
) -> None:
    settle(place, [line(n, body=body, gold=LABELS[1 - n % 2]) for n, body, _ in rows(4)])
    stub.script([Refusal()])
    assert place.run("dry-run").status == 0
    assert "refused 1" in place.run("eval", "suite.toml").out
    stub.clear()
    assert "refused" not in place.run("eval", "suite.toml", "--retry-failed").out
    assert stub.count == 1
    assert place.run("commit", "--override", "a test").status == 0
    assert stub.count == 1
    assert "convention" not in place.labels().values()


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_to_ask_again_and_to_ask_nobody_is_wrong_usage(
    place: Place, stub: StubMessagesAPI, json: tuple[str, ...]
) -> None:
    settle(place, lines(20))
    ended = place.run("eval", "suite.toml", "--retry-failed", "--replay-only", *json)
    assert (ended.status, ended.out, stub.count) == (2, "", 0)
    assert "leave one out" in ended.err
