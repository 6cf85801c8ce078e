"""Steps over the shards of a run in any order, with deaths, cuts and outages between them."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kclassify import Database, Done, UsageError
from kclassify.core.states import PassStatus
from kclassify.ports import Mode
from tests.shards.world import CONCURRENCY, World
from tests.tables import one_postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kclassify.core.item import Key

__all__ = ["one_postgres_database"]

ROWS = 18
NUMBERS = list(range(1, ROWS + 1))
WORDS = ["a", "B", "b", "Ä", "ä", "z", "Z", "é", "e", "É", "kb-10", "kb-9", "kb_9", "10", "9"]
UUIDS = [uuid.uuid5(uuid.NAMESPACE_URL, str(number)) for number in NUMBERS]
MANY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@dataclass(frozen=True, slots=True)
class Steps:
    """A step of a shard, or of the first free one; its worker dies at a call of the ledger."""

    shard: int | None
    seconds: float
    dies_at: int | None

    def act(self, world: World, mode: Mode) -> None:
        # A shard that is not there is an error, as the contract of ledgers says.
        with suppress(UsageError):
            world.step(mode, self.shard, self.seconds, self.dies_at, number=world.number)


@dataclass(frozen=True, slots=True)
class Cuts:
    """A shard, or a pass in one piece, is cut."""

    shard: int | None
    into: int

    def act(self, world: World, mode: Mode) -> None:
        world.cut(self.into, self.shard, mode)


@dataclass(frozen=True, slots=True)
class Outage:
    """The provider goes, or comes back."""

    def act(self, world: World, mode: Mode) -> None:
        world.down = not world.down


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""

    seconds: float

    def act(self, world: World, mode: Mode) -> None:
        world.clock.advance(self.seconds)


SHARDS = st.sampled_from([None, None, 1, 2, 3, 4, 5, 6])
STEPS = st.builds(Steps, SHARDS, st.sampled_from([1.0, 3.0, 8.0]), st.none())
DEATHS = st.builds(Steps, SHARDS, st.sampled_from([1.0, 3.0, 8.0]), st.integers(1, 9))
CUTS = st.builds(Cuts, SHARDS, st.integers(2, 4))
WAITS = st.builds(Wait, st.sampled_from([5.0, 61.0, 400.0]))
PLANS = st.lists(STEPS | STEPS | DEATHS | CUTS | WAITS | st.just(Outage()), max_size=14)


def go_through(world: World, plan: Sequence[Steps | Cuts | Outage | Wait], mode: Mode) -> None:
    """All of the plan, then on to the end with a provider that is there."""
    for action in plan:
        action.act(world, mode)
    world.down = False
    world.clock.advance(1000)
    if not world.is_done:
        assert world.finish(mode) == Done()


def check(world: World, mode: Mode) -> None:
    world.check()
    report = world.report
    assert (report.number, report.status, report.settled) == (1, PassStatus.DONE, len(world.keys))
    assert sum(each.settled for each in report.shards) in {0, len(world.keys)}
    wanted = "left" if mode is Mode.COMMIT else "old"
    assert world.labels == [wanted] * len(world.keys)
    assert set(world.asked) == set(world.keys)
    # Each death loses the calls in flight at most; what failed in an outage is asked again.
    answered = world.answered.total()
    assert answered <= len(world.keys) + world.deaths * CONCURRENCY


@pytest.fixture(scope="module")
def sqlite_world_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('shards')}/all.db", create=True)
    yield opened
    opened.close()


@settings(max_examples=15, suppress_health_check=MANY)
@given(plan=PLANS, mode=st.sampled_from(Mode), shards=st.sampled_from([1, 2, 4]))
def test_every_row_is_settled_once_whatever_the_order_of_steps_on_sqlite(
    sqlite_world_database: Database,
    plan: list[Steps | Cuts | Outage | Wait],
    mode: Mode,
    shards: int,
) -> None:
    world = World(sqlite_world_database, NUMBERS, shards=shards)
    go_through(world, plan, mode)
    check(world, mode)


KEYS: dict[str, Sequence[Key]] = {
    "BIGINT": NUMBERS,
    'TEXT COLLATE "en-x-icu"': WORDS,
    'TEXT COLLATE "C"': WORDS,
    "UUID": UUIDS,
}


@pytest.mark.services
@settings(max_examples=10, suppress_health_check=MANY)
@given(
    plan=PLANS,
    mode=st.sampled_from(Mode),
    shards=st.sampled_from([1, 4]),
    declared=st.sampled_from(sorted(KEYS)),
)
def test_every_row_is_settled_once_whatever_the_order_of_steps_on_postgresql(
    one_postgres_database: Database,
    plan: list[Steps | Cuts | Outage | Wait],
    mode: Mode,
    shards: int,
    declared: str,
) -> None:
    world = World(one_postgres_database, KEYS[declared], declared=declared, shards=shards)
    go_through(world, plan, mode)
    check(world, mode)
