"""What is told, and what it costs, while a large table is looked at before anything is asked."""

from __future__ import annotations

from collections.abc import Collection
from threading import Event
from threading import enumerate as all_threads

import pytest

from kclassify.cli.looking import looking
from kclassify.core.survey import Survey
from kclassify.sources import SqlSource
from kclassify.testing import StubMessagesAPI
from tests.cli.listed_jobs import JOBS, Listed
from tests.cli.place import rows

SECONDS = 20  # that a broken command is waited for


class Written(list[str]):
    """The lines so far; it can be waited for the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.more = Event()

    def __call__(self, line: str) -> None:
        self.append(line)
        self.more.set()

    def wait(self) -> bool:
        self.more.clear()
        return self.more.wait(SECONDS)


def test_a_look_that_takes_its_time_is_told_until_it_is_over() -> None:
    written = Written()
    with looking(written, interval_s=0.001) as over:
        assert written.wait()
        assert written.wait()
        over()
        for thread in all_threads():
            if thread.name == "kclassify-looking":
                thread.join(SECONDS)
                assert not thread.is_alive()
    assert written[0] == "looking at the source, 0 s so far"


def test_a_quiet_command_and_a_quick_look_write_nothing() -> None:
    written = Written()
    with looking(written, quiet=True, interval_s=0.001):
        assert "kclassify-looking" not in {thread.name for thread in all_threads()}
    with looking(written), pytest.raises(KeyError), looking(written):
        raise KeyError
    assert written == []


def test_each_command_looks_once_and_says_so(
    listed: Listed, stub: StubMessagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.place.settle(rows(6), JOBS)
    written, looks = Written(), list[bool]()
    look = SqlSource.survey

    def slow(source: SqlSource, known: Collection[str]) -> Survey:
        looks.append(written.wait())
        return look(source, known)

    monkeypatch.setattr(SqlSource, "survey", slow)
    monkeypatch.setattr("kclassify.cli.looking.INTERVAL_S", 0.001)
    monkeypatch.setattr("kclassify.cli.progress.line", written)
    commit = ("commit", "--override", "both were read")
    init = ("init", listed.place.url, "--table", "articles", "--config", "other/kclassify.toml")
    (listed.place.folder / "other").mkdir()
    for command in (("dry-run",), commit, ("start",), init):
        looks.clear()
        ended = listed.place.run(*command)
        assert (ended.status, looks) == (0, [True]), (command, ended)
    assert stub.count == 6
