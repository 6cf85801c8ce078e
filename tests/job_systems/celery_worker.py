"""The worker of the example, with timeouts from the environment and a log of its messages."""

from __future__ import annotations

import os
from typing import Any

from celery import signals

from examples.celery_worker import app, jobs
from kclassify import Classifier
from kclassify.events import logger
from tests.small import TAXONOMY

__all__ = ["app", "jobs"]

# It imports the provider's SDK before the pool forks: the first steps are as quick as the others.
Classifier(TAXONOMY, model="anthropic/not-asked", api_key="stub")

app.conf.worker_soft_shutdown_timeout = float(os.environ.get("CELERY_GRACE_S", "0"))
if "VISIBILITY_TIMEOUT_S" in os.environ:
    app.conf.broker_transport_options = {
        "global_keyprefix": os.environ["ARTICLES_QUEUE"],
        "visibility_timeout": float(os.environ["VISIBILITY_TIMEOUT_S"]),
        "unacked_restore_interval": 0.5,
        "unacked_restore_throttle": 1,
    }


def note_arrival(request: Any, **_: object) -> None:
    """A message that waits in this worker for its time."""
    if request.eta is not None:
        logger.info("waits: %s", request.id)


def note_start(task: Any, task_id: str, **_: object) -> None:
    """A message that waits no longer."""
    logger.info("begins: %s retries=%s", task_id, task.request.retries)


signals.task_received.connect(note_arrival)
signals.task_prerun.connect(note_start)
