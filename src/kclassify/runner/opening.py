"""The look at a source before the first call of a pass."""

from __future__ import annotations

from kclassify.core.passes import Pass
from kclassify.core.survey import Survey
from kclassify.errors import SourceError
from kclassify.events import PassOpened
from kclassify.runner.parts import Limits, Parts

NAMED = 5


async def announce(parts: Parts, opened: Pass, limits: Limits) -> None:
    """Tell that the pass begins or goes on; a later step of a job does not count again.

    Raises `SourceError` when rows carry labels that the taxonomy does not know.
    """
    items = None
    if limits.budget_s is None or not opened.resumed:
        survey = await parts.thread(parts.source.survey, parts.classifier.taxonomy.known)
        refuse_unknown(survey, parts.source.description)
        items = survey.items
    parts.tell(
        PassOpened(
            run=opened.run,
            mode=opened.mode,
            number=opened.number,
            items=items,
            settled=opened.settled,
            model=parts.classifier.model,
            override=limits.override,
        )
    )


def refuse_unknown(survey: Survey, description: str) -> None:
    """Raise `SourceError` when rows carry labels that the taxonomy does not know."""
    if not survey.unknown:
        return
    named = [
        f"{one.label!r} on {one.rows} rows (keys {', '.join(str(key) for key in one.keys)}, …)"
        for one in survey.unknown[:NAMED]
    ]
    raise SourceError(
        f"{description}: the taxonomy does not know the current label {'; '.join(named)}: add it, "
        "with `retired = true` if nothing may move there"
    )
