"""What every job system goes through: subclass `Matrix` in a test file, with a fixture `driver`.

    class TestProcrastinate(Matrix):
        system = "procrastinate"

        @pytest.fixture
        def driver(self, world: World) -> Iterator[Driver]: ...

Each case ends with the check of the run and a row of the table in docs/job-systems.md.
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.job_systems.driver import Case, Driver
from tests.job_systems.material import BATCHES_AT_ONCE, CONCURRENCY
from tests.job_systems.results import NotFor, Record, Result
from tests.job_systems.worker_process import WorkerProcess
from tests.job_systems.world import World

SNOOZES = 10


def wait_for_snooze(world: World, driver: Driver, number: int) -> None:
    """Snooze `number` is in the ledger, and the job that ends it waits for its time."""
    world.wait_for(
        lambda: world.snoozes >= number and world.is_idle and driver.delayed() >= 1,
        f"snooze {number}",
    )


def counted_in_snooze(world: World, driver: Driver, number: int) -> int | None:
    """The counter of attempts in mid-snooze."""
    wait_for_snooze(world, driver, number)
    return driver.attempts()


def at_work(
    world: World,
    driver: Driver,
    *,
    latency_s: float,
    grace_s: float = 5.0,
    budget_s: float = 0.5,
) -> WorkerProcess:
    """A worker whose first calls were answered, and whose next ones are in flight."""
    worker = driver.start(grace_s=grace_s)
    world.begin(driver, budget_s)
    world.wait_until_answered(CONCURRENCY)
    world.latency.mean = latency_s
    world.wait_until_answered(2 * CONCURRENCY)
    world.wait_until_in_flight()
    return worker


def go_on(world: World, driver: Driver, case: Case) -> None:
    """Another worker, and `kick` where nobody goes on by himself."""
    world.latency.mean = 0.05
    driver.start()
    if case in driver.needs_heal:
        world.heal(driver)


often, seldom = pytest.mark.slow, pytest.mark.nightly


@pytest.mark.services
@pytest.mark.timeout(180)
class Matrix:
    """The cases; `system` is what the document calls the job system and what it runs on."""

    system: ClassVar[str]

    @seldom
    def test_an_outage_of_ten_snoozes(self, world: World, driver: Driver, record: Record) -> None:
        """Longer than retries times delay; the counter of attempts stays where it was."""
        driver.start()
        world.begin(driver)
        world.wait_until_answered(10)
        world.break_down()
        first = counted_in_snooze(world, driver, 1)
        last = counted_in_snooze(world, driver, SNOOZES)
        world.mend()
        assert first == last
        spent = "keeps no count" if first is None else "0"
        self._end(world, driver, record, Case.OUTAGE, snoozes=f"{SNOOZES} or more", attempts=spent)

    @seldom
    def test_sigterm_within_the_grace(self, world: World, driver: Driver, record: Record) -> None:
        """The worker takes its step to the end, and another one goes on."""
        first = at_work(world, driver, latency_s=0.2)
        assert first.stop(10.0), first.tail()
        go_on(world, driver, Case.SIGTERM_WITHIN)
        self._end(world, driver, record, Case.SIGTERM_WITHIN)

    @seldom
    def test_sigterm_beyond_the_grace(self, world: World, driver: Driver, record: Record) -> None:
        """Slow calls are in flight when the grace is over."""
        first = at_work(world, driver, latency_s=1.2, grace_s=driver.grace_s, budget_s=15.0)
        first.stop(driver.grace_s + 2.0)
        go_on(world, driver, Case.SIGTERM_BEYOND)
        self._end(world, driver, record, Case.SIGTERM_BEYOND, in_flight=CONCURRENCY)

    @often
    def test_sigkill_in_mid_step(self, world: World, driver: Driver, record: Record) -> None:
        """The calls in flight may be paid twice, and no more."""
        at_work(world, driver, latency_s=0.3).kill()
        go_on(world, driver, Case.SIGKILL_STEP)
        self._end(world, driver, record, Case.SIGKILL_STEP, in_flight=CONCURRENCY)

    @seldom
    def test_sigkill_in_mid_snooze(self, world: World, driver: Driver, record: Record) -> None:
        """No worker is there when the time of the job has come."""
        first = at_work(world, driver, latency_s=0.05)
        world.break_down()
        wait_for_snooze(world, driver, 1)
        first.kill()
        world.mend()
        go_on(world, driver, Case.SIGKILL_SNOOZE)
        self._end(world, driver, record, Case.SIGKILL_SNOOZE, snoozes="1 or more")

    @seldom
    def test_enqueued_twice(self, world: World, driver: Driver, record: Record) -> None:
        """Two chains at once: one of them ends."""
        world.latency.mean = 0.3
        driver.enqueue(world.begin(driver, budget_s=2.0))
        driver.start().wait_for("Superseded")
        self._end(world, driver, record, Case.DUPLICATE)

    @seldom
    def test_a_live_job_past_its_timeout(
        self, world: World, driver: Driver, record: Record
    ) -> None:
        """The system runs it a second time, and the second one finds the run taken."""
        if not driver.has_timeout:
            record(NotFor(self.system, Case.LIVE_TIMEOUT, "it takes no live job for lost"))
            return
        world.latency.mean = 0.3
        worker = driver.start(timeout_s=1.0)
        world.begin(driver, budget_s=4.0)
        world.wait_until_in_flight()
        driver.expire()
        worker.wait_for("Superseded")
        self._end(world, driver, record, Case.LIVE_TIMEOUT)

    @often
    def test_the_commit_fails_after_the_enqueue(
        self, world: World, driver: Driver, record: Record
    ) -> None:
        """No job is left of the transaction, and the run goes on."""
        if driver.jobs_table is None:
            record(NotFor(self.system, Case.ROLLBACK, "it enqueues after the commit"))
            return
        world.latency.mean = 0.3
        driver.start()
        world.begin(driver, budget_s=1.5)
        world.wait_until_in_flight()
        world.fail_the_next_commit_with_a_job(driver.jobs_table)
        world.wait_for(lambda: world.commits_failed, "a transaction that is rolled back")
        world.latency.mean = 0.05
        self._end(world, driver, record, Case.ROLLBACK)

    @seldom
    def test_a_crash_between_commit_and_enqueue(
        self, world: World, driver: Driver, record: Record
    ) -> None:
        """Nobody enqueues the next step, unless the system runs the last one again."""
        if driver.jobs_table is not None:
            record(NotFor(self.system, Case.CRASH, "it enqueues within the commit"))
            return
        first = at_work(world, driver, latency_s=0.1)
        world.crash_before_the_next_enqueue()
        assert first.wait() < 0
        go_on(world, driver, Case.CRASH)
        self._end(world, driver, record, Case.CRASH)

    @seldom
    def test_a_run_in_batches(self, world: World, driver: Driver, record: Record) -> None:
        """A batch in progress is a snooze; whoever comes next reads what it answered."""
        world.ask_in_batches()
        first = driver.start()
        world.begin(driver)
        world.wait_for(
            lambda: len(world.stub.batches) == BATCHES_AT_ONCE and driver.delayed() >= 1,
            "a snooze until a batch has ended",
        )
        first.kill()
        world.end_batches()
        go_on(world, driver, Case.SIGKILL_SNOOZE)
        self._end(world, driver, record, Case.BATCHES, snoozes="1 or more")

    def _end(
        self,
        world: World,
        driver: Driver,
        record: Record,
        case: Case,
        *,
        snoozes: str = "0",
        attempts: str = "",
        in_flight: int = 0,
    ) -> None:
        world.latency.mean = 0.02
        world.wait_until_done()
        world.wait_for(lambda: driver.waiting() == 0, "an empty queue")
        kept = world.assert_kept()
        assert kept.paid_twice <= in_flight
        record(
            Result(
                system=self.system,
                case=case,
                rows=kept.rows,
                distinct=kept.distinct,
                items=kept.items,
                snoozes=snoozes,
                attempts=attempts,
                paid_twice=f"at most {in_flight}" if in_flight else "0",
                healed=world.healed,
            )
        )
