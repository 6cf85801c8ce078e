from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import current_millis

from examples import dramatiq_worker
from kclassify import Mode
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError

JOB = Job(run="articles", mode=Mode.COMMIT, shard=2, override="two editors read it")
Recipe = Callable[[str], ModuleType]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The example, anew, on the broker at this URL."""

    def on(url: str) -> ModuleType:
        monkeypatch.setenv("BROKER_URL", url)
        return importlib.reload(dramatiq_worker)

    return on


@pytest.fixture
def broker(recipe: Recipe) -> StubBroker:
    """One in memory, which the example's actor is moved to."""
    relabel = recipe("redis://127.0.0.1:1/0").relabel
    stub = StubBroker()
    stub.emit_after("process_boot")
    relabel.broker = stub
    stub.declare_actor(relabel)
    return stub


@pytest.fixture
def worker(broker: StubBroker) -> Iterator[dramatiq.Worker]:
    made = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)
    made.start()
    yield made
    made.stop()


def script(monkeypatch: pytest.MonkeyPatch, *follow_ups: FollowUp | Exception) -> list[int]:
    """What the steps come to; when each was taken, in milliseconds."""
    taken: list[int] = []

    def run_step(build: object, job: Job) -> FollowUp:
        assert job == JOB
        following = follow_ups[len(taken)]
        taken.append(current_millis())
        if isinstance(following, Exception):
            raise following
        return following

    monkeypatch.setattr(dramatiq_worker, "run_step", run_step)
    return taken


def test_a_chain_goes_on_through_a_snooze_without_a_retry(
    broker: StubBroker, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []

    class Watch(dramatiq.Middleware):
        def after_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
            sent.append({"retries": message.options.get("retries", 0), "delay": delay})

    broker.add_middleware(Watch())
    taken = script(monkeypatch, EnqueueNext(), SnoozeFor(1, "no answer"), Stop("done"))
    dramatiq_worker.jobs.enqueue(JOB)
    broker.join(dramatiq_worker.relabel.queue_name, timeout=10_000)
    worker.join()
    assert len(taken) == 3
    assert taken[2] - taken[1] >= 1000
    assert [each["delay"] for each in sent if each["delay"]] == [1000]
    assert {each["retries"] for each in sent} == {0}


def test_the_end_of_a_chain_sends_nothing(
    broker: StubBroker, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = script(monkeypatch, Stop("superseded by host 1"))
    dramatiq_worker.jobs.enqueue(JOB)
    broker.join(dramatiq_worker.relabel.queue_name, timeout=10_000)
    worker.join()
    assert len(taken) == 1
    assert broker.dead_letters == []


def test_what_needs_people_is_dead_at_once(
    broker: StubBroker, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = script(monkeypatch, Fail("no credit"))
    dramatiq_worker.jobs.enqueue(JOB)
    with pytest.raises(dramatiq_worker.StepFailed, match="no credit"):
        broker.join(dramatiq_worker.relabel.queue_name, timeout=10_000, fail_fast=True)
    worker.join()
    (dead,) = broker.dead_letters
    assert len(taken) == 1
    assert "retries" not in dead.options


def test_a_defect_is_tried_again(
    broker: StubBroker, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = script(monkeypatch, RuntimeError("planted"), Stop("done"))
    monkeypatch.setitem(dramatiq_worker.relabel.options, "min_backoff", 1)
    dramatiq_worker.jobs.enqueue(JOB)
    broker.join(dramatiq_worker.relabel.queue_name, timeout=10_000)
    worker.join()
    assert len(taken) == 2


def test_a_step_logs_its_beginning_and_its_follow_up(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kclassify")
    script(monkeypatch, Stop("done"))
    dramatiq_worker.relabel(JOB.arguments())
    told = "articles commit shard 2: "
    assert caplog.messages == [f"{told}a step begins", f"{told}Stop(reason='done')"]


def test_it_is_a_job_system() -> None:
    assert isinstance(dramatiq_worker.jobs, JobSystem)


def test_a_step_ends_before_its_time_limit() -> None:
    longest_step_s = Job(run="any").budget_s + 30
    assert dramatiq_worker.relabel.options["time_limit"] > longest_step_s * 1000


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_named_without_its_password(scheme: str, recipe: Recipe) -> None:
    jobs = recipe(f"{scheme}://worker:secret@127.0.0.1:1").jobs
    with pytest.raises(EnqueueError, match=r"the broker at 127\.0\.0\.1:1 takes no job") as raised:
        jobs.enqueue(JOB)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_on_rabbitmq_what_is_sent_is_confirmed(recipe: Recipe) -> None:
    assert recipe("amqp://guest:guest@127.0.0.1:1").broker.confirm_delivery
