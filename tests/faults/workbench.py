"""The command at work on a table, with a fault that begins while a chosen question is answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from kclassify import Database, SqlSource, verify
from kclassify.config.taxonomy_file import read_taxonomy
from kclassify.core.finding import Verification
from kclassify.testing import Rule, StubMessagesAPI, calls_seen
from tests.cli.place import Ended, Place, rows, rule

ITEMS = 30
CONCURRENCY = 4
"""As in the settings of `Place`."""

MIDDLE = 10
RUN = "articles"
KEY = "sk-made-up"

_EAGER = "checkpoint_s = 0.01\n"


@dataclass
class Questions:
    """Answers like `rule`; while question number n is answered, what is in `during[n]` happens."""

    during: dict[int, Callable[[], None]] = field(default_factory=dict[int, Callable[[], None]])
    asked: int = 0

    def __call__(self, text: str, labels: tuple[str, ...]) -> tuple[str, float]:
        self.asked += 1
        act = self.during.pop(self.asked, None)
        if act is not None:
            act()
        return rule(text, labels)


@dataclass
class Workbench:
    """A folder with the settings, a table in some database, and the provider.

    `ledger` is the URL of a ledger of its own; without one it is in the table's database.
    """

    place: Place
    stub: StubMessagesAPI
    questions: Questions
    ledger: str | None = None

    def settle(self) -> None:
        """Write settings, taxonomy and table."""
        apart = f'[ledger]\nurl = "{self.ledger}"\n' if self.ledger else ""
        self.place.settle(rows(ITEMS), _EAGER + apart)

    def during(self, question: int, act: Callable[[], None]) -> None:
        """Do this while that question, counted from 1, is answered."""
        self.questions.during[question] = act

    def commit(self, *options: str) -> Ended:
        """`kclassify commit`, in this process."""
        ended = self.place.run("commit", "--override", "a fault", "--json", *options)
        self._let_the_stub_settle()
        return ended

    def _let_the_stub_settle(self) -> None:
        """Requests that were on their way when the command ended are in the log after this."""
        for _ in range(2):
            with closing(HTTPConnection(self.stub.url.removeprefix("http://"))) as connection:
                connection.request("GET", "/__stub__/state")
                connection.getresponse().read()
        self.stub.wait_until(lambda state: state.in_flight == 0)

    def verify(self, *, alone: bool = True) -> Verification:
        """What the checker says of table, ledger, audit and the provider's log of requests."""
        with (
            closing(Database(self.ledger or self.place.url)) as ledger,
            closing(Database(self.place.url)) as database,
        ):
            return verify(
                ledger,
                RUN,
                source=source_of(database),
                taxonomy=read_taxonomy(self.place.folder / "taxonomy.toml"),
                calls=calls_seen(self.stub),
                alone=alone,
                max_concurrency=CONCURRENCY,
            )


def source_of(database: Database) -> SqlSource:
    """The table as the settings of `Place` describe it."""
    return SqlSource(database, "articles", key="id", title="title", body="body", current="category")


def workbench(
    folder: Path, url: str, ledger: str | None = None
) -> tuple[Workbench, StubMessagesAPI]:
    """One in this folder, and its provider, not started yet."""
    questions = Questions()
    stub = StubMessagesAPI(Rule(questions))
    return Workbench(Place(folder, url), stub, questions, ledger), stub


def told_in_one_line(ended: Ended) -> str:
    """The error that a command ended with: one line, without traceback, text of items or secret."""
    assert "Traceback" not in ended.err
    assert KEY not in ended.err
    assert "article " not in ended.err
    assert ended.out == ""
    *progress, error = ended.err.splitlines()
    assert all(line.startswith("kclassify: ") for line in (*progress, error)), ended.err
    return error
