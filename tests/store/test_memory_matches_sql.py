"""The memory ledger stands in for the real one in simulations, so it must answer alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kclassify.core.availability import Breaker, Suspect
from kclassify.core.decision import Advance, Done, Halt, Snooze
from kclassify.core.division import Division
from kclassify.core.spending import Charge
from kclassify.core.states import UNDONE, ChangeStatus
from kclassify.core.verdict import OutcomeKind
from kclassify.database import Database
from kclassify.errors import KclassifyError
from kclassify.ports import Mode, Pass, Recorded
from kclassify.store import SqlLedger
from kclassify.store.tables import changes
from kclassify.testing.contracts.ledger_intents import Killed, MortalWriter
from kclassify.testing.contracts.ledger_material import (
    LEASE_S,
    NOW,
    USAGE,
    change,
    checkpoint_of,
    digest,
    failure,
    open_pass,
    request_of,
    same,
    verdict_of,
)
from kclassify.testing.memory_ledger import MemoryLedger
from kclassify.testing.memory_writer import MemoryWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kclassify.core.decision import Decision
    from kclassify.core.item import Key
    from kclassify.ports import Ledger, Settled

BUDGET = 1000
WORKERS = st.sampled_from(["one", "two", "three"])
KEYS = st.integers(1, 6)
MODES = st.sampled_from(Mode)
NUMBERS = st.sampled_from([None, None, 1, 2, 3])
SHARDS = st.sampled_from([None, None, None, 1, 2, 3, 5])
FINGERPRINTS = st.sampled_from(["f" * 64, "e" * 64])
GATES = st.sampled_from([None, "a", "b"])
DECISIONS: list[Decision] = [Advance(None), Snooze(60, "throttled"), Halt("no key"), Done()]
MAKERS: list[Callable[[Key], Settled]] = [
    change,
    same,
    lambda key: change(key, "playbook", "insight"),
    lambda key: failure(key, OutcomeKind.REJECTED),
    lambda key: failure(key, OutcomeKind.EMPTY),
]
ITEMS = st.lists(st.tuples(st.sampled_from(MAKERS), KEYS), max_size=4)
ENDINGS = st.sampled_from([None, "enqueues", "fails"])
BREAKERS = st.sampled_from(
    [Breaker(), Breaker(1, NOW, 60, NOW), Breaker(2, NOW + 9, 120, NOW), Breaker(2, NOW, 120, NOW)]
)
SUSPECTS = st.sampled_from([(), (Suspect(2, 1, undecided=True), Suspect(3, 0, undecided=True))])
STATES = st.tuples(BREAKERS, SUSPECTS)


class MemoryMatchesSql(RuleBasedStateMachine):
    """Workers come, go, die and overtake each other; both ledgers say the same all along."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name) / 'l.db'}", create=True)
        self.memory = MemoryLedger()
        self.ledgers: list[Ledger] = [self.memory, SqlLedger(self.database)]
        labels: dict[Key, str | None] = dict.fromkeys(range(1, 7), "convention")
        self.writers = [MortalWriter(labels, after=False) for _ in self.ledgers]
        for writer in self.writers:
            writer.dies = False
        self.held: dict[str, list[Pass]] = {}
        self.fingerprint: dict[str, str] = {}
        self.now = NOW

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def both(self, act: Callable[[int], Any]) -> list[Any]:
        """What each ledger answers, after a check that both answer alike."""
        answers: list[Any] = []
        for index in range(2):
            try:
                answers.append(act(index))
            except (KclassifyError, Killed) as error:
                answers.append((type(error), str(error)))
        assert _plain(answers[0]) == _plain(answers[1])
        assert self.writers[0].labels == self.writers[1].labels
        assert self.writers[0].written == self.writers[1].written
        return answers

    @rule(
        worker=WORKERS,
        mode=MODES,
        fingerprint=FINGERPRINTS,
        gate=GATES,
        number=NUMBERS,
        shard=SHARDS,
    )
    def opens(
        self,
        worker: str,
        mode: Mode,
        fingerprint: str,
        gate: str | None,
        number: int | None,
        shard: int | None,
    ) -> None:
        request = request_of(mode, fingerprint=fingerprint, number=number, shard=shard)
        request = replace(request, gate=gate)
        answers = self.both(
            lambda index: self.ledgers[index].open(request, worker, self.now, LEASE_S)
        )
        if isinstance(answers[0], Pass):
            self.held[worker], self.fingerprint[worker] = answers, fingerprint

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        made=ITEMS,
        state=STATES,
        dies=st.sampled_from([None, "before", "after"]),
        ending=ENDINGS,
    )
    def saves(
        self,
        data: st.DataObject,
        made: list[tuple[Callable[[Key], Settled], Key]],
        state: tuple[Breaker, tuple[Suspect, ...]],
        dies: str | None,
        ending: str | None,
    ) -> None:
        def on_commit(connection: object, cursor: Key | None) -> None:
            if ending == "fails":
                raise Killed

        worker = data.draw(st.sampled_from(sorted(self.held)))
        checkpoint = checkpoint_of([make(key) for make, key in made], None, *state)
        for writer in self.writers:
            writer.dies, writer.after = dies is not None, dies == "after"
        answers = self.both(
            lambda index: self.ledgers[index].checkpoint(
                self.held[worker][index],
                self.fingerprint[worker],
                checkpoint,
                self.writers[index],
                self.now,
                on_commit if ending else None,
            )
        )
        for writer in self.writers:
            writer.dies = False
        if isinstance(answers[0], Recorded):
            self.held[worker] = [answer.opened for answer in answers]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), bounds=st.lists(KEYS, max_size=3, unique=True))
    def divides(self, data: st.DataObject, bounds: list[int]) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        division = Division(tuple(sorted(bounds)), (1,) * (len(bounds) + 1))
        answers = self.both(
            lambda index: self.ledgers[index].divide(
                self.held[worker][index], division, self.now, LEASE_S
            )
        )
        if isinstance(answers[0], Pass):
            self.held[worker] = answers

    @rule(mode=MODES, shard=SHARDS, into=st.integers(2, 4))
    def wants_parts(self, mode: Mode, shard: int | None, into: int) -> None:
        self.both(lambda index: self.ledgers[index].want_parts("r", mode, shard, into))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), closes=st.booleans())
    def ends_its_shard(self, data: st.DataObject, *, closes: bool) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        held = self.held[worker]
        is_last = self.both(lambda index: self.ledgers[index].end_shard(held[index], self.now))
        if is_last[0] is True and closes:
            self.both(lambda index: self.ledgers[index].close_step(held[index], Done(), self.now))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), in_flight=st.integers(0, 8))
    def shares_calls(self, data: st.DataObject, in_flight: int) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.both(
            lambda index: self.ledgers[index].share(
                self.held[worker][index], 8, in_flight, self.now, LEASE_S
            )
        )

    @rule()
    def tells_the_breaker(self) -> None:
        self.both(lambda index: self.ledgers[index].breaker("r"))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def settles_intents(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.both(
            lambda index: self.ledgers[index].settle_intents(
                self.held[worker][index], self.writers[index], self.now
            )
        )

    @rule()
    def tells_what_is_written(self) -> None:
        self.both(lambda index: list(self.ledgers[index].written("r")))

    @precondition(lambda self: "r" in self.memory.runs)
    @rule(status=st.sampled_from(UNDONE))
    def puts_back(self, status: ChangeStatus) -> None:
        """As a rollback marks what is written; the memory ledger has none."""
        audit = self.memory.runs["r"].audit
        for identity, known in audit.items():
            if known.status is ChangeStatus.WRITTEN:
                audit[identity] = replace(known, status=status)
        marks = changes.update().values(status=status)
        with self.database.begin() as connection:
            connection.execute(marks.where(changes.c.status == ChangeStatus.WRITTEN))
        self.tells_what_is_written()

    @rule(number=st.integers(1, 4))
    def tells_what_was_evaluated(self, number: int) -> None:
        self.both(lambda index: self.ledgers[index].dry_run_rows("r", number))
        keys = list(range(1, 7))
        self.both(lambda index: dict(self.ledgers[index].evaluated("r", number, keys)))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), decision=st.sampled_from(DECISIONS))
    def closes(self, data: st.DataObject, decision: Decision) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.both(
            lambda index: self.ledgers[index].close_step(
                self.held[worker][index], decision, self.now
            )
        )

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def beats(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.both(
            lambda index: self.ledgers[index].heartbeat(self.held[worker][index], self.now, LEASE_S)
        )

    @rule(key=KEYS, fingerprint=FINGERPRINTS, label=st.sampled_from(["playbook", "insight"]))
    def records(self, key: int, fingerprint: str, label: str) -> None:
        said = [(digest(key), verdict_of(label))]
        self.both(lambda index: self.ledgers[index].record(fingerprint, said, self.now))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), wanted=st.sampled_from([0, 1, 300, BUDGET]))
    def reserves(self, data: st.DataObject, wanted: int) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.both(
            lambda index: self.ledgers[index].reserve(
                self.held[worker][index], BUDGET, wanted, self.now
            )
        )

    @precondition(lambda self: self.held)
    @rule(data=st.data(), key=KEYS | st.none(), label=st.sampled_from(["playbook", "insight"]))
    def pays(self, data: st.DataObject, key: int | None, label: str) -> None:
        """A call that costs no more than is held for it, with a verdict or without one."""
        worker = data.draw(st.sampled_from(sorted(self.held)))
        held = self.held[worker]
        left = self.memory.runs["r"].steps[held[0].step].held
        cost = data.draw(st.integers(0, left))
        charge = Charge(1, 0.5, USAGE, cost, 0, data.draw(st.integers(0, left - cost)))
        said = [] if key is None else [(digest(key), verdict_of(label))]
        self.both(
            lambda index: self.ledgers[index].record(
                self.fingerprint[worker], said, self.now, opened=held[index], charge=charge
            )
        )

    @invariant()
    def never_exceeds_the_budget(self) -> None:
        told = self.both(lambda index: self.ledgers[index].spending("r"))
        assert told[0].most <= BUDGET

    @rule(fingerprint=FINGERPRINTS)
    def recalls(self, fingerprint: str) -> None:
        digests = [digest(key) for key in range(1, 7)]
        self.both(lambda index: dict(self.ledgers[index].recall(digests, fingerprint)))

    @rule(seconds=st.sampled_from([1.0, LEASE_S]))
    def waits(self, seconds: float) -> None:
        self.now += seconds


def _plain(answer: Any) -> Any:
    if isinstance(answer, Pass):
        shard = None if answer.shard is None else replace(answer.shard, id=0)
        suspects = tuple(sorted(answer.suspects, key=lambda s: str(s.key)))
        return replace(answer, shard=shard, suspects=suspects)
    if isinstance(answer, Recorded):
        return (_plain(answer.opened), list(answer.actions))
    return answer


Step = Mode | tuple[Breaker | None, Breaker]
"""A worker opens a mode, or holds a breaker, having seen another one than it was told (or not)."""
STEPS = st.lists(st.sampled_from(Mode) | st.tuples(BREAKERS | st.none(), BREAKERS), max_size=8)


@pytest.fixture(scope="module")
def sql() -> Iterator[SqlLedger]:
    with TemporaryDirectory() as folder:
        ledger = SqlLedger(f"sqlite:///{Path(folder) / 'l.db'}")
        yield ledger
        ledger.close()


@settings(max_examples=40)
@given(steps=STEPS, database=st.sampled_from([None, "memory"]))
def test_workers_share_a_breaker_alike(
    sql: SqlLedger, steps: list[Step], database: str | None
) -> None:
    run = str(uuid4())
    told = [_told(ledger, run, steps, database) for ledger in (MemoryLedger(), sql)]
    assert told[0] == told[1]


def _told(ledger: Ledger, run: str, steps: list[Step], database: str | None) -> list[Breaker]:
    writer = MemoryWriter(dict.fromkeys(range(len(steps)), "convention"), database)
    opened, told = open_pass(ledger, run=run), list[Breaker]()
    for number, step in enumerate(steps):
        if isinstance(step, Mode):
            opened = open_pass(ledger, step, run=run)
        else:
            seen, held = step
            opened = replace(opened, breaker=opened.breaker if seen is None else seen)
            checkpoint = checkpoint_of([change(number)], None, held)
            recorded = ledger.checkpoint(opened, "f" * 64, checkpoint, writer, NOW)
            assert isinstance(recorded, Recorded)
            opened = recorded.opened
        told += [opened.breaker, ledger.breaker(run)]
    return told


TestMemoryMatchesSql = MemoryMatchesSql.TestCase
TestMemoryMatchesSql.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
