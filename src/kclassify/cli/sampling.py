"""Draws a sample from a run, or from the items alone, into a file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kclassify.cli.sample_command import Origin
from kclassify.config import Settings
from kclassify.errors import UsageError
from kclassify.evals.draw import Drawn, Order, draw
from kclassify.evals.file_lock import folder_locked
from kclassify.evals.labelled import Frame, LabelledItem
from kclassify.evals.population import JudgedPopulation, Population, SourcePopulation
from kclassify.evals.redraw import labelled_meanwhile, put_aside, with_labels
from kclassify.evals.sample_file import read_rows, write_rows
from kclassify.evals.split import split
from kclassify.ports import Mode
from kclassify.store.judged_rows import JudgedPass
from kclassify.wiring import Stores, open_stores, reader_of

SAMPLE = Path("evals/sample.jsonl")
SPOT_CHECKS = Path("evals/spot-checks.jsonl")
SPOT_CHECK_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for; None where it leaves the choice open.

    `is_usual_size`: it names no size, so that of spot checks depends on what was written.
    """

    order: Order
    origin: Origin | None
    min_confidence: float | None
    holdout: float | None
    output: Path | None
    force: bool
    is_usual_size: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What was drawn into which file, and where the one went that was there before."""

    path: Path
    order: Order
    drawn: Drawn
    put_aside: Path | None


def carry_out_sample(settings: Settings, wanted: Wanted) -> Sampled:
    """Draw, and write the file. Raises `UsageError`."""
    path = wanted.output or _default_path(settings, wanted.origin)
    before = _there(path)
    with open_stores(settings) as stores, closing(stores.source):
        population = _population(settings, stores, wanted)
        wanted = replace(wanted, order=_order(settings, population, wanted))
        drawn = draw(population, wanted.order, () if wanted.force else before, _name(path))
    with folder_locked(path.parent):
        return _put(path, drawn, before, wanted)


def _order(settings: Settings, population: Population, wanted: Wanted) -> Order:
    """Of a commit, the spot checks that `[gate]` wants of each tranche that is complete."""
    if not wanted.is_usual_size or wanted.origin is not Origin.COMMIT:
        return wanted.order
    gate = settings.gate
    if gate.tranche is None:
        return replace(wanted.order, size=SPOT_CHECK_ROWS)
    complete = sum(population.sizes().values()) // gate.tranche
    checks = gate.canary_checks or SPOT_CHECK_ROWS
    return replace(wanted.order, size=checks * max(1, complete))


def _name(path: Path) -> str:
    return f"the sample {path}"


def _put(path: Path, drawn: Drawn, before: Sequence[LabelledItem], wanted: Wanted) -> Sampled:
    """Write what was drawn, with the labels that the file has by now."""
    now = _there(path)
    if wanted.force:
        rows = with_labels(drawn.rows, now)
    else:
        rows = labelled_meanwhile(drawn.rows, before, now, _name(path))
    rows = _split(rows, wanted, path)
    aside = put_aside(path) if wanted.force and now else None
    write_rows(path, rows)
    return Sampled(path=path, order=wanted.order, drawn=replace(drawn, rows=rows), put_aside=aside)


def _there(path: Path) -> tuple[LabelledItem, ...]:
    return read_rows(path) if path.exists() else ()


def _default_path(settings: Settings, origin: Origin | None) -> Path:
    if origin is Origin.COMMIT:
        return settings.gate.canary or SPOT_CHECKS
    return SAMPLE


def _population(settings: Settings, stores: Stores, wanted: Wanted) -> Population:
    judged = _judged(settings, stores, wanted)
    if judged is None:
        return SourcePopulation(stores.source)
    return JudgedPopulation(stores.source, judged, wanted.order.frame, wanted.min_confidence)


def _judged(settings: Settings, stores: Stores, wanted: Wanted) -> JudgedPass | None:
    """The pass to draw from, None for the source alone: what uniform falls back on."""
    is_uniform = wanted.order.frame is Frame.UNIFORM
    if wanted.min_confidence is not None and is_uniform:
        raise UsageError("--min-confidence is for proposals, and --frame uniform draws all items")
    if wanted.origin is Origin.SOURCE and not is_uniform:
        raise UsageError(
            f"--frame {wanted.order.frame} draws from what a dry run proposes: leave --from source "
            "out, or draw all items with --frame uniform"
        )
    if wanted.origin is Origin.COMMIT and is_uniform:
        raise UsageError("--from commit draws from the writes: leave --frame uniform out")
    if wanted.origin is Origin.SOURCE:
        return None
    mode = Mode.COMMIT if wanted.origin is Origin.COMMIT else Mode.DRY_RUN
    try:
        return reader_of(stores).judged(settings.run.name, mode)
    except UsageError:
        if is_uniform and wanted.origin is None:
            return None
        raise


def _split(rows: tuple[LabelledItem, ...], wanted: Wanted, path: Path) -> tuple[LabelledItem, ...]:
    if wanted.holdout is not None:
        return split(rows, wanted.holdout, wanted.order.seed, _name(path))
    if {row.split is None for row in rows} == {True, False}:
        raise UsageError(
            f"{_name(path)} has a holdout, so what is drawn to it needs one: give "
            f"--holdout{_share(rows)}, or choose another --output"
        )
    return rows


def _share(rows: Sequence[LabelledItem]) -> str:
    shares = sorted({row.holdout for row in rows if row.holdout is not None})
    return f" {shares[0]:g}" if shares else " with the share that it was drawn with"
