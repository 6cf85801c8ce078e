"""The runner of a job, by the `kclassify.toml` that the job names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from kclassify.adapters.job import Job
from kclassify.config import Settings, load_settings
from kclassify.events import Event, StepEnded, Warned, logger
from kclassify.runner import ReclassifyRunner
from kclassify.wiring import classifier_of, make_runner, open_stores


@contextmanager
def from_config(job: Job) -> Generator[ReclassifyRunner]:
    """A `Build`: what `kclassify dry-run` and `commit` would work with in that folder.

    Without a path in the job it is the `kclassify.toml` of the working folder. Raises `UsageError`
    and `DatabaseError`.
    """
    settings = settings_of(job)
    classifier = classifier_of(settings, job.model)
    with open_stores(settings) as stores, closing(stores.source):
        yield make_runner(settings, stores, classifier, _log)


def _log(event: Event) -> None:
    if isinstance(event, Warned):
        logger.warning("%s", event.message)
    elif isinstance(event, StepEnded):
        logger.info("%s", event.decision)


def settings_of(job: Job) -> Settings:
    """The settings that the job names, for its run."""
    path = None if job.config is None else Path(job.config)
    return load_settings(path, arguments={"run": {"name": job.run}})
