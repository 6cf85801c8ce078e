from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import pools

from kclassify.adapters import celery as adapter
from kclassify.adapters.celery import LONGEST_COUNTDOWN_S, CeleryJobs
from kclassify.adapters.job import Job
from kclassify.adapters.job_system import JobSystem
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.core.passes import Mode
from kclassify.errors import EnqueueError, StepFailed, UsageError
from tests.job_systems.worker_process import wait_for

close_connections: Callable[[], None] = pools.reset
run_worker: Any = start_worker
JOB = Job(run="articles", mode=Mode.COMMIT, override="two editors", config="/etc/k.toml")


class Scripted:
    """A `run_step` that answers what it is told to, and notes for which job."""

    def __init__(self) -> None:
        self.script: list[FollowUp] = []
        self.jobs: list[Job] = []

    def __call__(self, build: object, job: Job) -> FollowUp:
        self.jobs.append(job)
        return self.script[len(self.jobs) - 1]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted()
    monkeypatch.setattr(adapter, "run_step", scripted)
    return scripted


@pytest.fixture
def app() -> Iterator[Any]:
    """An app on a broker in memory, whose tasks' results can be asked for."""
    made: Any = Celery("test", broker="memory://", backend="cache+memory://")
    yield made
    made.close()
    close_connections()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, app: Any) -> list[dict[str, Any]]:
    """What would be sent, with its options."""
    found: list[dict[str, Any]] = []

    def send(name: str, args: object, kwargs: object, **more: object) -> None:
        found.append({"job": kwargs} | more)

    monkeypatch.setattr(app, "send_task", send)
    return found


def run(app: Any, job: Job = JOB) -> Any:
    """Take one step as a worker does, but here."""
    return app.tasks["kclassify.step"].apply(kwargs=job.arguments())


def test_a_worker_takes_the_steps_of_a_chain(app: Any, steps: Scripted) -> None:
    jobs = CeleryJobs(app)
    steps.script = [EnqueueNext(), SnoozeFor(1, "an outage"), EnqueueNext(), Stop("done")]
    with run_worker(app, perform_ping_check=False, shutdown_timeout=30):
        jobs.enqueue(JOB)
        wait_for(lambda: len(steps.jobs) == 4, "four steps")
    assert steps.jobs == [JOB] * 4
    assert isinstance(jobs, JobSystem)


def test_the_next_step_is_a_message_like_the_first(
    app: Any, steps: Scripted, sent: list[dict[str, Any]]
) -> None:
    jobs = CeleryJobs(app, queue="labels")
    steps.script = [EnqueueNext()]
    jobs.enqueue(JOB)
    assert run(app).result == "the next step is enqueued"
    assert [each["job"] for each in sent] == [JOB.arguments()] * 2
    assert [each["queue"] for each in sent] == ["labels"] * 2
    assert not any("countdown" in each or each.get("retries") for each in sent)


@pytest.mark.parametrize(
    ("seconds", "visibility_timeout", "countdown"),
    [
        (60, None, 60),
        (3600, None, LONGEST_COUNTDOWN_S),
        (60, 300, 60),
        (3600, 300, LONGEST_COUNTDOWN_S),
        (3600, 100, 50),
        (3600, 1, 1),
    ],
)
def test_a_snooze_is_a_message_that_no_broker_delivers_twice(
    seconds: int,
    visibility_timeout: int | None,
    countdown: int,
    app: Any,
    steps: Scripted,
    sent: list[dict[str, Any]],
) -> None:
    CeleryJobs(app)
    if visibility_timeout is not None:
        app.conf.broker_transport_options = {"visibility_timeout": visibility_timeout}
    steps.script = [SnoozeFor(seconds, "an outage")]
    assert run(app).result == f"snoozes for {seconds} s: an outage"
    assert [each["countdown"] for each in sent] == [countdown]
    assert not sent[0].get("retries")


def test_a_chain_that_stops_sends_nothing(
    app: Any, steps: Scripted, sent: list[dict[str, Any]]
) -> None:
    CeleryJobs(app)
    steps.script = [Stop("superseded by another worker")]
    assert run(app).result == "stops: superseded by another worker"
    assert sent == []


def test_a_halt_is_a_failure_that_is_not_tried_again(app: Any, steps: Scripted) -> None:
    app.Task = type("Stubborn", (app.Task,), {"autoretry_for": (Exception,)})
    CeleryJobs(app)
    steps.script = [Fail("the key is not valid")]
    ended = run(app)
    assert ended.state == "FAILURE"
    assert repr(ended.result) == repr(StepFailed("the key is not valid"))
    assert len(steps.jobs) == 1


def test_a_message_is_kept_until_its_step_is_over(app: Any) -> None:
    CeleryJobs(app)
    task = app.tasks["kclassify.step"]
    assert (task.acks_late, task.reject_on_worker_lost) == (True, True)
    assert not app.conf.task_acks_late


def test_the_task_is_of_this_app_alone(app: Any) -> None:
    CeleryJobs(app)
    other: Any = Celery("other", broker="memory://")
    assert "kclassify.step" not in other.tasks
    other.close()


def test_two_builds_do_not_share_a_task(app: Any) -> None:
    CeleryJobs(app)
    with pytest.raises(UsageError, match=r"kclassify\.step"):
        CeleryJobs(app)
    CeleryJobs(app, task_name="kclassify.other")


def test_a_pool_without_threads_is_refused(
    app: Any, steps: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    CeleryJobs(app)
    monkeypatch.setattr(adapter, "_pool_of_this_process", lambda: "gevent")
    assert "gevent" in str(run(app).result)
    assert steps.jobs == []


def test_an_eager_app_takes_no_chain(app: Any) -> None:
    app.conf.task_always_eager = True
    with pytest.raises(EnqueueError, match="task_always_eager"):
        CeleryJobs(app).enqueue(JOB)


@pytest.mark.parametrize(
    ("broker", "named"),
    [
        ("amqp://user:s3cret@127.0.0.1:1//", "amqp://user:**@127.0.0.1:1//: "),
        ("amqp://user:s3cret@127.0.0.1:port//", "the broker's URL cannot be used"),
    ],
)
def test_a_broker_that_takes_no_job_is_named_without_its_password(broker: str, named: str) -> None:
    jobs = CeleryJobs(Celery("test", broker=broker))
    with pytest.raises(EnqueueError) as raised:
        jobs.enqueue(JOB)
    assert str(raised.value).startswith(f"articles commit is not enqueued: {named}")
    assert "s3cret" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    close_connections()


def test_a_password_in_what_the_broker_says_is_hidden(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no entry for user:s3cret")

    monkeypatch.setattr(app, "send_task", refuse)
    broker = SimpleNamespace(password="s3cret", as_uri=lambda: "amqp://user:**@host//")
    monkeypatch.setattr(app, "connection_for_write", lambda: broker)
    with pytest.raises(EnqueueError, match=r"amqp://user:\*\*@host//: no entry for user:\*\*$"):
        CeleryJobs(app).enqueue(JOB)


def test_without_the_library_the_extra_is_named() -> None:
    code = "import sys; sys.modules['celery'] = None; import kclassify.adapters.celery"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "MissingExtra: Celery is not installed: pip install 'kclassify[celery]'" in ended.stderr
