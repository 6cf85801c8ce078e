"""An evaluation as one page of HTML that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from functools import cache, partial
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kclassify.core.evaluation import Comparison, Evaluation, Flip, FlipKind
from kclassify.core.gate import GateVerdict
from kclassify.report import numbers, wording
from kclassify.report.coded import coded
from kclassify.report.confusions import MOST_ON_NARROW, confused, grid, is_scaled
from kclassify.report.curves import reliability_picture, threshold_picture
from kclassify.report.inert import inert
from kclassify.report.key_figures import key_figures
from kclassify.report.moves import NARROW, flow_rows, moves, shortened
from kclassify.report.palette import declarations
from kclassify.report.strips import axis_start, forest, impact_rows, noise_axis, strip

_TEXT = 600
_KINDS = (FlipKind.BROKEN, FlipKind.FIXED, FlipKind.STILL_WRONG)


def render_page(evaluation: Evaluation) -> str:
    """The page: the verdict in a sentence, then pictures, then tables.

    The same evaluation is the same page. Nothing in a text of the evaluation is markup.
    """
    chosen = wording.chosen_variant(evaluation)
    told = [
        check
        for check in evaluation.gate.checks
        if check.warns or check.verdict is not GateVerdict.PASS
    ]
    classes = [] if chosen is None else forest(chosen.scores.classes)
    matrix = None if chosen is None else chosen.scores.confusion
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            e=evaluation,
            gate=evaluation.gate,
            chosen=chosen,
            told=told,
            missing=wording.missing(evaluation),
            figures=key_figures(evaluation),
            classes=classes,
            start=axis_start([score for c in classes for score in (c.precision, c.recall)]),
            grid=None if matrix is None else grid(matrix),
            narrow_grid=None if matrix is None else grid(matrix, MOST_ON_NARROW),
            confused=[] if matrix is None else confused(matrix),
            is_scaled=chosen is not None
            and is_scaled(chosen.scores.confusion, chosen.scores.answered),
            moves=moves(evaluation.transitions, evaluation.flows),
            narrow_moves=moves(evaluation.transitions, evaluation.flows, NARROW),
            flows=flow_rows(evaluation.flows),
            threshold=threshold_picture(evaluation.threshold),
            reliability=reliability_picture(evaluation.reliability),
            impact=[] if evaluation.impact is None else impact_rows(evaluation.impact),
            noises=[each for each in evaluation.variants if each.noise is not None],
            light=Markup(declarations("light")),  # noqa: S704 - colours of our own
            dark=Markup(declarations("dark")),  # noqa: S704
        )
    )


def flips_by_kind(comparison: Comparison) -> list[tuple[FlipKind, list[Flip]]]:
    """The flips of each kind, what broke first."""
    ordered = sorted(comparison.flips, key=lambda flip: _KINDS.index(flip.kind))
    return [(kind, list(group)) for kind, group in groupby(ordered, lambda flip: flip.kind)]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kclassify.report"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names: dict[str, Any] = {
        "n": numbers,
        "w": wording,
        "strip": strip,
        "noise_axis": noise_axis,
        "flips_by_kind": flips_by_kind,
        "shortened": shortened,
        "coded": partial(coded, limit=_TEXT),
    }
    environment.globals.update(names)
    return environment


def _harmless(value: object) -> object:
    """What a template puts into the page: text without what could hide or turn something."""
    if value is None:
        return ""
    return (
        inert(value, _TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value
    )
