from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from arq.connections import RedisSettings
from arq.worker import Function, get_kwargs

from examples import arq_worker
from kclassify import Mode
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError

JOB = Job(run="articles", mode=Mode.COMMIT, shard=2, override="two editors read it")


class Queue:
    """arq's pool, as a job finds it in its context."""

    def __init__(self) -> None:
        self.enqueued: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def enqueue_job(self, *arguments: Any, **options: Any) -> None:
        self.enqueued.append((arguments, options))


def take(follow_up: FollowUp, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """What the queue holds after a step with this follow-up."""

    async def take_step(build: object, job: Job) -> FollowUp:
        assert job == JOB
        return follow_up

    monkeypatch.setattr(arq_worker, "take_step", take_step)
    queue = Queue()
    asyncio.run(arq_worker.relabel({"redis": queue, "job_try": 1}, JOB.arguments()))
    return queue


def test_more_to_do_is_a_new_job_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = take(EnqueueNext(), monkeypatch)
    assert queue.enqueued == [((arq_worker.TASK, JOB.arguments()), {})]


def test_a_snooze_is_a_new_job_that_is_deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under an id of its own, so that it begins at its first try."""
    queue = take(SnoozeFor(7, "no answer"), monkeypatch)
    assert queue.enqueued == [((arq_worker.TASK, JOB.arguments()), {"_defer_by": 7})]


def test_the_end_of_a_chain_enqueues_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take(Stop("superseded by host 1"), monkeypatch).enqueued == []


def test_what_needs_people_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(arq_worker.StepFailed, match="no credit"):
        take(Fail("no credit"), monkeypatch)


def test_a_cancellation_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """arq takes the job up again only then."""
    queue = Queue()

    async def take_step(build: object, job: Job) -> FollowUp:
        await asyncio.sleep(60)
        raise AssertionError

    async def cancelled() -> None:
        context = {"redis": queue, "job_try": 1}
        step = asyncio.create_task(arq_worker.relabel(context, JOB.arguments()))
        await asyncio.sleep(0)
        step.cancel()
        await step

    monkeypatch.setattr(arq_worker, "take_step", take_step)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert queue.enqueued == []


def test_a_step_logs_its_beginning_and_its_follow_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kclassify")
    take(Stop("done"), monkeypatch)
    told = "articles commit shard 2: "
    assert caplog.messages == [f"{told}a step begins, try 1", f"{told}Stop(reason='done')"]


def test_arq_takes_the_settings() -> None:
    """A setting that arq does not know is left out without a word."""
    settings = get_kwargs({**vars(arq_worker.WorkerSettings)})
    assert settings.keys() == {key for key in vars(arq_worker.WorkerSettings) if key[0] != "_"}
    (function,) = arq_worker.WorkerSettings.functions
    assert isinstance(function, Function)
    assert function.name == arq_worker.TASK
    longest_step_s = Job(run="any").budget_s + 30
    assert arq_worker.WorkerSettings.job_timeout > longest_step_s


def test_it_is_a_job_system() -> None:
    assert isinstance(arq_worker.jobs, JobSystem)


def test_a_redis_that_is_away_is_named_without_its_password() -> None:
    away = RedisSettings(port=1, password="secret", conn_retries=0)
    with pytest.raises(EnqueueError, match="Redis at localhost:1 takes no job") as raised:
        arq_worker.ArqJobs(away, "kclassify").enqueue(JOB)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
