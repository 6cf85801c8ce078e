"""What is wrong with a sample: errors that would make its figures lie, warnings for the rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kclassify.errors import SourceError, TaxonomyError
from kclassify.evals.labelled import LabelledItem, Split
from kclassify.evals.near_duplicates import LEAK, near_pairs
from kclassify.evals.sample_weights import named, refuse_missing_weights, refuse_wrong_weights

_LISTED = 5
FEWEST = 2


@dataclass(frozen=True, slots=True)
class _Labels:
    known: Collection[str]
    active: Collection[str]


def check(
    path: Path, rows: Sequence[LabelledItem], known: Collection[str], active: Collection[str]
) -> tuple[str, ...]:
    """The warnings. Raises `SourceError` or `TaxonomyError`, which name file, row and way out."""
    labels = _Labels(known, active)
    try:
        for refuse in _REFUSALS:
            refuse(rows, labels)
        return tuple(warning for warn in _WARNINGS for warning in warn(rows, labels))
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None
    except TaxonomyError as error:
        raise TaxonomyError(f"{path}: {error}") from None


def _refuse_too_few(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    labelled = sum(row.gold is not None for row in rows)
    if not rows:
        raise SourceError("there is no row in it: draw a sample with `kclassify sample`")
    if labelled == 0:
        raise SourceError(
            f"none of its {len(rows)} rows has a label: label them with `kclassify label`"
        )
    if labelled < FEWEST:
        raise SourceError(
            "only one row has a label, and nothing can be said from one: label more of them with "
            "`kclassify label`"
        )


def _refuse_strange_gold(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    for row in rows:
        for gold in {row.gold, *row.votes.values()} - {None, *labels.active}:
            if gold in labels.known:
                raise TaxonomyError(
                    f"row {row.id!r}: its label {gold!r} is retired, so no classifier may give it: "
                    "label the row anew"
                )
            there = ", ".join(sorted(labels.active))
            raise TaxonomyError(
                f"row {row.id!r}: its label {gold!r} is no category of the taxonomy; there are "
                f"{there}"
            )


def _refuse_edited(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    for row in rows:
        if row.item_digest and row.item_digest != row.item.digest:
            raise SourceError(
                f"row {row.id!r}: its text was edited since it was drawn: put the text back, or "
                "draw the sample again"
            )


def _refuse_weights(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    refuse_missing_weights(rows)
    refuse_wrong_weights(rows)


def _refuse_straddling_clusters(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    first: dict[str, LabelledItem] = {}
    for row in rows:
        if row.cluster_id is None:
            continue
        other = first.setdefault(row.cluster_id, row)
        if other.split is not row.split:
            raise SourceError(
                f"rows {other.id!r} and {row.id!r}: cluster {row.cluster_id!r} is in both splits, "
                "so the holdout is not apart: put all of it into one"
            )


def _refuse_half_split(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    without = [row for row in rows if row.split is None]
    if without and len(without) < len(rows):
        raise SourceError(
            f"{named(without)} without a split, where other rows have one: give each row dev or "
            "holdout, or none of them any"
        )


def _refuse_same_text_apart(rows: Sequence[LabelledItem], labels: _Labels) -> None:
    del labels
    for twins in _same_text(rows):
        for other in twins[1:]:
            if other.split is not twins[0].split:
                raise SourceError(f"{_leak(twins[0], other, 'are the same text')}: {_APART}")


def _warn_of_leaks(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    """Texts on both sides of the split that are nearly the same: refused when they leak for sure.

    Raises `SourceError`.
    """
    del labels
    if not {Split.DEV, Split.HOLDOUT} <= {row.split for row in rows}:
        return
    pairs = near_pairs([_text(row) for row in rows])
    apart = [pair for pair in pairs if rows[pair.first].split is not rows[pair.second].split]
    if not apart:
        return
    worst = max(apart, key=lambda pair: pair.similarity)
    alike = f"are nearly the same text ({worst.similarity:.2f} alike)"
    told = _leak(rows[worst.first], rows[worst.second], alike)
    if worst.similarity >= LEAK:
        surely = sum(pair.similarity >= LEAK for pair in apart)
        raise SourceError(f"{told}{_of(surely)}: {_APART}")
    yield f"{told}{_of(len(apart))}: read them, and if they are the same, {_APART}"


_APART = "put both into one split, with one cluster_id"


def _leak(one: LabelledItem, other: LabelledItem, how: str) -> str:
    return f"rows {one.id!r} and {other.id!r} {how}, one in dev and one in holdout"


def _of(pairs: int) -> str:
    return f" (one of {pairs} such pairs)" if pairs > 1 else ""


def _warn_of_twins(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    del labels
    twins = list(_same_text(rows))
    loose = [same for same in twins if not _is_one_cluster(same)]
    if loose:
        pair = f"{loose[0][0].id!r} and {loose[0][1].id!r}"
        texts = "1 text is" if len(loose) == 1 else f"{len(loose)} texts are"
        yield (
            f"{texts} there more than once (rows {pair}, for one): give the rows of a text one "
            "cluster_id, so that they do not count as independent"
        )
    for same in twins:
        golds = {row.gold for row in same if row.gold is not None}
        if len(golds) > 1:
            one, other = sorted(golds)[:2]
            yield (
                f"rows {' and '.join(repr(row.id) for row in same[:_LISTED])} are the same text "
                f"with different labels, {one!r} and {other!r}: at least one is wrong"
            )


def _warn_of_absent(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    there = {row.gold for row in rows}
    absent = [label for label in labels.active if label not in there]
    if absent:
        names = ", ".join(repr(label) for label in absent[:_LISTED])
        more = f" and {len(absent) - _LISTED} more" if len(absent) > _LISTED else ""
        yield f"no row is labelled {names}{more}: nothing is said about how well they are found"


def _warn_of_unlabelled(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    del labels
    there = Counter(row.stratum for row in rows if row.stratum is not None)
    labelled = Counter(row.stratum for row in rows if row.gold is not None)
    for stratum, count in sorted(there.items()):
        if not labelled[stratum]:
            yield (
                f"none of the {count} rows of stratum {stratum!r} is labelled: the figures are "
                "about the others"
            )


def _warn_of_contested(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    del labels
    contested = [row for row in rows if row.gold is None and len(set(row.votes.values())) > 1]
    if contested:
        yield (
            f"{named(contested)} left out, since people disagree: let a third person decide with "
            "`kclassify label`"
        )


def _warn_of_lost(rows: Sequence[LabelledItem], labels: _Labels) -> Iterator[str]:
    """Rows that were taken out of the file: what is left is no random sample any more."""
    del labels
    there = Counter(row.stratum for row in rows)
    drawn = {row.stratum: row.stratum_n for row in rows if row.stratum_n is not None}
    for stratum, count in drawn.items():
        if count > there[stratum]:
            where = "" if stratum is None else f" of stratum {stratum!r}"
            yield (
                f"{count} rows{where} were drawn and {there[stratum]} are there: rows that are "
                "hard to label belong into the sample, without a label"
            )


_REFUSALS: tuple[Callable[[Sequence[LabelledItem], _Labels], None], ...] = (
    _refuse_too_few,
    _refuse_strange_gold,
    _refuse_edited,
    _refuse_weights,
    _refuse_half_split,
    _refuse_straddling_clusters,
    _refuse_same_text_apart,
)
_WARNINGS: tuple[Callable[[Sequence[LabelledItem], _Labels], Iterable[str]], ...] = (
    _warn_of_leaks,
    _warn_of_twins,
    _warn_of_absent,
    _warn_of_unlabelled,
    _warn_of_contested,
    _warn_of_lost,
)


def _same_text(rows: Sequence[LabelledItem]) -> Iterator[list[LabelledItem]]:
    by_text: dict[str, list[LabelledItem]] = defaultdict(list)
    for row in rows:
        by_text[" ".join(_text(row).casefold().split())].append(row)
    return (same for same in by_text.values() if len(same) > 1)


def _is_one_cluster(rows: Sequence[LabelledItem]) -> bool:
    return rows[0].cluster_id is not None and len({row.cluster_id for row in rows}) == 1


def _text(row: LabelledItem) -> str:
    return f"{row.title or ''}\n{row.body}"
