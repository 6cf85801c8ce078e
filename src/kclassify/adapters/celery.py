"""Celery: one task, registered with your app, that takes the steps of a run one message at a time.

app = Celery("articles", broker="redis://...")
jobs = CeleryJobs(app)

`kclassify start --app articles:jobs` begins a run, or `kclassify.adapters.kick.start` with `jobs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from kclassify.adapters.from_config import from_config
from kclassify.adapters.job import Job
from kclassify.adapters.translate import Build, run_step
from kclassify.core.follow_up import EnqueueNext, Fail, FollowUp, SnoozeFor, Stop
from kclassify.errors import EnqueueError, MissingExtra, StepFailed, UsageError
from kclassify.events import logger

if find_spec("celery") is None:
    raise MissingExtra("Celery is not installed: pip install 'kclassify[celery]'")
from kombu.utils.compat import detect_environment

LONGEST_COUNTDOWN_S = 120
_pool_of_this_process: Callable[[], str] = detect_environment


class App(Protocol):
    """What is used of a `celery.Celery`, which has no types of its own."""

    @property
    def conf(self) -> object:
        """The settings: read, never changed."""
        ...

    def task(self, **options: object) -> object:
        """A decorator that registers a function as a task."""
        ...

    def connection_for_write(self) -> object:
        """A connection to the broker, not opened yet."""
        ...


class _Settings(Protocol):
    task_always_eager: bool
    broker_transport_options: Mapping[str, Any]


class _Broker(Protocol):
    password: object

    def as_uri(self) -> str: ...


class _Task(Protocol):
    def apply_async(self, *, kwargs: Mapping[str, Any], **options: object) -> object: ...


_Register = Callable[[Callable[..., str]], _Task]


class CeleryJobs:
    """A `JobSystem` on a Celery app: the tasks' messages hold a `Job`, the ledger all the rest.

    `queue` is where the messages go, by the app's own routes when there is none. Raises
    `UsageError` for a `task_name` that this app has given to other jobs already.
    """

    name = "celery"

    def __init__(
        self,
        app: App,
        build: Build = from_config,
        task_name: str = "kclassify.step",
        queue: str | None = None,
    ) -> None:
        _claim(app, task_name)
        self._app = app
        self._build = build
        self._where = {} if queue is None else {"queue": queue}
        self._task = self._register(task_name)

    def enqueue(self, job: Job, after_s: int = 0) -> None:
        """Send the message of this job. Raises `EnqueueError`, which names the broker."""
        if self._settings.task_always_eager:
            raise EnqueueError("task_always_eager is set: a chain of steps needs a broker")
        when = {"countdown": after_s} if after_s else {}
        try:
            self._task.apply_async(kwargs=job.arguments(), **when, **self._where)
        except Exception as error:  # noqa: BLE001  # every transport has errors of its own
            raise EnqueueError(f"{job.name} is not enqueued: {self._told(error)}") from None

    def _register(self, task_name: str) -> _Task:
        def step(**arguments: object) -> str:
            """Take a step of a run, and do what becomes of it."""
            return self._take(Job.of(arguments))

        register = self._app.task(
            name=task_name,
            shared=False,
            acks_late=True,
            reject_on_worker_lost=True,
            dont_autoretry_for=(StepFailed,),
        )
        return cast("_Register", register)(step)

    def _take(self, job: Job) -> str:
        logger.info("%s: a step begins", job.name)
        told = self._follow(job, self._step(job))
        logger.info("%s: %s", job.name, told)
        return told

    def _step(self, job: Job) -> FollowUp:
        pool = _pool_of_this_process()
        if pool != "default":
            return Fail(f"an event loop has no place in a {pool} pool: use prefork or threads")
        return run_step(self._build, job)

    def _follow(self, job: Job, following: FollowUp) -> str:
        match following:
            case EnqueueNext():
                self.enqueue(job)
                return "the next step is enqueued"
            case SnoozeFor(seconds, reason):
                self.enqueue(job, min(seconds, self._longest_countdown_s))
                return f"snoozes for {seconds} s: {reason}"
            case Stop(reason):
                return f"stops: {reason}"
            case Fail(reason):
                logger.error("%s: fails: %s", job.name, reason)
                raise StepFailed(reason)

    @property
    def _settings(self) -> _Settings:
        return cast("_Settings", self._app.conf)

    @property
    def _longest_countdown_s(self) -> int:
        # A message that waits in a worker for long is delivered again. Woken early, the step finds
        # in the ledger that its snooze is not over, and goes back to sleep.
        visible_s = self._settings.broker_transport_options.get("visibility_timeout")
        if visible_s is None:
            return LONGEST_COUNTDOWN_S
        return max(1, min(LONGEST_COUNTDOWN_S, int(visible_s) // 2))

    def _told(self, error: Exception) -> str:
        """The broker's URL and what went wrong, in one line without its password."""
        try:
            broker = cast("_Broker", self._app.connection_for_write())
        except Exception:  # noqa: BLE001  # a URL that cannot be read may hold a password anywhere
            return f"the broker's URL cannot be used ({type(error).__name__})"
        said = " ".join(str(error).split()) or type(error).__name__
        if broker.password:
            said = said.replace(str(broker.password), "**")
        return f"{broker.as_uri()}: {said}"


_task_names: WeakKeyDictionary[App, set[str]] = WeakKeyDictionary()


def _claim(app: App, task_name: str) -> None:
    # Celery would keep the task of the jobs before, and their build with it.
    names = _task_names.setdefault(app, set())
    if task_name in names:
        raise UsageError(f"this app has a task {task_name} already: give another task_name")
    names.add(task_name)
