"""The look at a source before the first call of a pass."""

from __future__ import annotations

from collections.abc import Sequence

from kclassify.core.item import Item
from kclassify.core.passes import Mode, Pass
from kclassify.core.survey import Survey, UnknownLabel
from kclassify.errors import SourceError, WriterError
from kclassify.events import PassOpened, Warned
from kclassify.runner.metering import advice_on
from kclassify.runner.parts import Limits, Parts

NAMED = 5


async def announce(parts: Parts, opened: Pass, limits: Limits) -> None:
    """Tell that the pass begins or goes on; who is sent to a pass by its number counts nothing.

    Raises `SourceError` when rows carry labels that the taxonomy does not know.
    """
    items = limits.items
    is_first = limits.budget_s is None or not opened.resumed
    if items is None and is_first and limits.number is None:
        items = await survey(parts)
    parts.tell(
        PassOpened(
            run=opened.run,
            mode=opened.mode,
            number=opened.number,
            items=items,
            settled=opened.elsewhere + opened.settled,
            model=parts.classifier.model,
            override=parts.authority.override,
            gate=parts.authority.gate,
            spent=await parts.thread(parts.ledger.spending, opened.run),
            budget=parts.settings.budget,
        )
    )
    advice = () if items == 0 else await _advice(parts, opened)
    for warning in (*parts.authority.warnings, *advice):
        parts.tell(Warned(warning))


async def _advice(parts: Parts, opened: Pass) -> tuple[str, ...]:
    """What people should know of the cost, once a pass: for hours batches settle nothing."""
    advice = advice_on(parts, opened)
    if not advice:
        return ()
    standing = await parts.thread(parts.ledger.batches.standing, opened)
    return () if standing.batches or standing.reached is not None else advice


async def survey(parts: Parts) -> int:
    """How many items there are. Raises `SourceError` for labels that the taxonomy does not know."""
    found = await parts.thread(parts.source.survey, parts.classifier.taxonomy.known)
    refuse_unknown(found, parts.source.description)
    return found.items


def refuse_unknown(survey: Survey, description: str) -> None:
    """Raise `SourceError` when rows carry labels that the taxonomy does not know."""
    if not survey.unknown:
        return
    named = [_named(one) for one in survey.unknown[:NAMED]]
    raise SourceError(
        f"{description}: the taxonomy does not know the current label {'; '.join(named)}: add it, "
        "with `retired = true` if nothing may move there"
    )


def _named(one: UnknownLabel) -> str:
    rows = "1 row" if one.rows == 1 else f"{one.rows} rows"
    keys = ", ".join(str(key) for key in one.keys)
    more = ", …" if one.rows > len(one.keys) else ""
    return f"{one.label!r} on {rows} ({'key' if one.rows == 1 else 'keys'} {keys}{more})"


def refuse_unknown_items(items: Sequence[Item], known: frozenset[str], description: str) -> None:
    """The same for the items of a page: a source of an application's own may have looked away."""
    strange = [item for item in items if item.current is not None and item.current not in known]
    found = tuple(UnknownLabel(str(item.current), 1, (item.key,)) for item in strange[:NAMED])
    refuse_unknown(Survey(len(items), found), description)


async def check_writer(parts: Parts, opened: Pass, limits: Limits) -> None:
    """Raise `WriterError` before the first call when labels cannot be written; a dry run warns."""
    if parts.writer is None or (opened.mode is Mode.DRY_RUN and limits.budget_s and opened.resumed):
        return
    try:
        await parts.thread(parts.writer.check, parts.classifier.taxonomy.labels)
    except WriterError as error:
        if opened.mode is Mode.COMMIT:
            raise
        parts.tell(Warned(f"a commit would be refused: {error}"))
