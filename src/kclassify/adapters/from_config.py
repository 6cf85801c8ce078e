"""The runner of a job, by the `kclassify.toml` that the job names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from kclassify.adapters.job import Job
from kclassify.config import Settings, load_settings
from kclassify.events import Event, StepEnded, Warned, logger
from kclassify.ports import Classifier
from kclassify.runner import ReclassifyRunner
from kclassify.wiring import classifier_of, make_runner, open_stores


@contextmanager
def from_config(job: Job) -> Generator[ReclassifyRunner]:
    """A `Build`: what `kclassify dry-run` and `commit` would work with in that folder.

    Without a path in the job it is the `kclassify.toml` of the working folder. A job of a tenant is
    about the rows of that tenant. Raises `UsageError` and `DatabaseError`.
    """
    with runner_of(settings_of(job), job.model) as runner:
        yield runner


@contextmanager
def runner_of(
    settings: Settings, model: str | None = None, classifier: Classifier[str] | None = None
) -> Generator[ReclassifyRunner]:
    """The runner of these settings, with what it opened closed on exit. Raises the same.

    `classifier` is the one that they give, where it is there already.
    """
    judge = classifier or classifier_of(settings, model)
    with open_stores(settings) as stores, closing(stores.source):
        yield make_runner(settings, stores, judge, _log)


def _log(event: Event) -> None:
    if isinstance(event, Warned):
        logger.warning("%s", event.message)
    elif isinstance(event, StepEnded):
        logger.info("%s", event.decision)


def settings_of(job: Job, shards: int | None = None) -> Settings:
    """The settings that the job names, for its run, its tenant and so many shards."""
    path = None if job.config is None else Path(job.config)
    settings = load_settings(
        path, arguments={"run": {"name": job.run}, "runner": {"shards": shards}}
    )
    return settings if job.tenant is None else settings.of_tenant(job.tenant)
