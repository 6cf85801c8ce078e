"""Whether the labelled rows stand for the writes of the corpus: what is missing is not random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scipy import stats

from kclassify.core.evaluation import ThresholdCurve
from kclassify.evals.intervals import lower_bound
from kclassify.evals.labelled import Frame, LabelledItem
from kclassify.evals.material import Material
from kclassify.evals.precision_check import told_point

_SURELY_MORE = 0.001


def unsound(material: Material, curve: ThresholdCurve) -> tuple[str, ...]:
    """Why nothing can be certified by these rows, whatever their labels say: a sentence each."""
    return (
        *_without_current(material),
        *_other_frame(material, curve),
        *_missing(material, curve),
        *_one_text(material),
    )


def _without_current(material: Material) -> Iterator[str]:
    """Without the label that a row carries, each answer would pass for a write."""
    rows = [row for row in material.rows if row.frame is Frame.UNIFORM]
    without = sum(row.current is None for row in rows)
    if not without:
        return
    if material.population is None:
        if without == len(rows):
            yield (
                "no row says which label it carries now, so a write cannot be told from a row that "
                "stays as it is: give the rows their `current`, or, where the corpus has no labels "
                "yet, finish a `kclassify dry-run` first"
            )
        return
    unlabelled = 1 - sum(material.population.current().values()) / material.population.rows
    if stats.binom.sf(without - 1, len(rows), unlabelled) < _SURELY_MORE:
        yield (
            f"{without:,} of {len(rows):,} rows do not say which label they carry now, and in the "
            f"dry run {unlabelled:.1%} of the rows have none: give the rows their `current`"
        )


def _other_frame(material: Material, curve: ThresholdCurve) -> Iterator[str]:
    """A sample of some of the writes says nothing of the others."""
    sizes = {
        row.stratum: row.stratum_N for row in material.sample.rows if row.frame is not Frame.UNIFORM
    }
    if material.population is None or not sizes or None in sizes.values():
        return
    drawn_from = sum(size for size in sizes.values() if size is not None)
    level = material.policy.min_confidence if curve.certified is None else curve.certified
    writes = sum(each.count for each in material.population.transitions(level))
    if writes > drawn_from:
        yield (
            f"the rows were drawn from {drawn_from:,} proposals, and the dry run holds {writes:,} "
            f"from confidence {level:.2f} on: draw a new sample with `kclassify sample`"
        )


def _missing(material: Material, curve: ThresholdCurve) -> Iterator[str]:
    """What nobody labelled is what was hard to label: it counts as wrong."""
    point = told_point(curve)
    missing = _unlabelled(material) + _lost(material)
    if not missing or curve.certified is None or point is None:
        return
    if lower_bound(point.right, point.writes + missing, curve.delta) < curve.target:
        yield (
            f"{missing:,} of the rows that were drawn have no label, and were they wrong, "
            f"{curve.target:.0%} would not be shown: label them with `kclassify label`"
        )


def _unlabelled(material: Material) -> int:
    frame = _proportional(material)
    return sum(
        row.gold is None and row.frame is frame
        for row in material.sample.rows
        if material.split in {"all", row.split}
    )


def _lost(material: Material) -> int:
    """Rows that were drawn and are not in the file any more."""
    rows = [row for row in material.sample.rows if row.stratum_n is not None]
    there = Counter(row.stratum for row in rows)
    drawn = {row.stratum: row.stratum_n or 0 for row in rows}
    return sum(max(0, number - there[stratum]) for stratum, number in drawn.items())


def _proportional(material: Material) -> Frame:
    has_writes = any(row.frame is Frame.WRITES for row in material.sample.rows)
    return Frame.WRITES if has_writes else Frame.UNIFORM


def _one_text(material: Material) -> Iterator[str]:
    """A split keeps clusters together: a large one on the other side is not looked at here."""
    if material.split != "holdout":
        return
    rows = material.sample.rows
    elsewhere = Counter(_cluster(row) for row in rows if row.split != material.split)
    largest = max(elsewhere.values(), default=0)
    if largest / len(rows) > (1 - material.gate.write_precision) / 2:
        yield (
            f"{largest:,} of {len(rows):,} rows are one text or nearly, and none of them is in the "
            "holdout: draw a larger sample, or one without a split"
        )


def _cluster(row: LabelledItem) -> str:
    return f"row {row.id}" if row.cluster_id is None else f"cluster {row.cluster_id}"
