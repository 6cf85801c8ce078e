"""Draws a sample: the same from the same seed, whatever the order that the items come in.

Rows are ranked by a keyed hash of their keys and the lowest are taken, so that a sample drawn with
a larger size holds the smaller one, and no row is there twice.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kclassify.core.item import digest_of, encode_key
from kclassify.errors import UsageError
from kclassify.evals.allocation import spread
from kclassify.evals.labelled import Frame, LabelledItem
from kclassify.evals.population import Candidate, Population
from kclassify.evals.redraw import WAYS_OUT, Growth

Pool = str | None
"""What is drawn from as one: a stratum, or None for all together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be drawn.

    `size` rows, all those drawn before included; of the frame `top-up` instead as many as bring
    each category to `per_category`. `stratified`: the same number for each label that rows carry
    now, with weights.
    """

    frame: Frame
    size: int = 200
    per_category: int = 20
    stratified: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or self.per_category < 1:
            raise UsageError("a sample has at least one row")
        if self.stratified and self.frame is not Frame.UNIFORM:
            raise UsageError(
                "--stratify is for the frame uniform: writes are drawn in proportion, and "
                "--frame top-up adds to the rare categories"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample as drawn. `rows` are all of them, `added` those that were not there before.

    `groups` maps a label to (rows of the population, rows of the sample).
    """

    rows: tuple[LabelledItem, ...]
    added: int
    population: int
    population_name: str
    groups: Mapping[str, tuple[int, int]]
    left_out: Mapping[str, int]

    @property
    def weighted(self) -> bool:
        """Whether rows stand for different numbers of rows."""
        return len({row.weight for row in self.rows}) > 1


def draw(
    population: Population,
    order: Order,
    existing: Sequence[LabelledItem] = (),
    name: str = "the sample that is there",
) -> Drawn:
    """The sample of `existing` and what is drawn to it, each row with the weight that it has then.

    A top-up changes the weights of all rows: those of a category become a random sample of its
    proposals, each standing for (proposals of the category) / (rows of the category). Raises
    `UsageError`, which calls `existing` by its `name`, where that is no sample of this population
    and of this seed.
    """
    sizes = dict(sorted(population.sizes().items()))
    if not sizes:
        raise UsageError(f"there are no {population.name}, so there is nothing to draw")
    growth = Growth(existing=existing, name=name, frame=order.frame, seed=order.seed)
    growth.check(sizes, population, is_stratified=order.stratified)
    wanted = _wanted(order, sizes)
    taking = _take(population, wanted, order.seed, existing)
    rows = [*existing, *(_row(each, order, population) for each in taking.chosen(wanted))]
    groups = taking.groups | {each.id: each.group for each in taking.chosen(wanted)}
    _refuse_gone(rows, groups, population, name)
    return Drawn(
        rows=tuple(_weighed(rows, groups, sizes, by_group=None not in wanted)),
        added=len(rows) - len(existing),
        population=sum(sizes.values()),
        population_name=population.name,
        groups=_counted(rows, groups, sizes),
        left_out=dict(population.left_out),
    )


def _wanted(order: Order, sizes: Mapping[str, int]) -> dict[Pool, int]:
    if order.frame is Frame.TOP_UP:
        return {name: min(order.per_category, size) for name, size in sizes.items()}
    if order.stratified:
        return dict[Pool, int](spread(sizes, order.size).items())
    return {None: min(order.size, sum(sizes.values()))}


@dataclass(slots=True)
class _Lowest:
    """The `room` candidates of the lowest ranks."""

    room: int
    heap: list[tuple[int, int, Candidate]] = field(default_factory=list[tuple[int, int, Candidate]])
    met: int = 0

    def offer(self, rank: int, candidate: Candidate) -> None:
        self.met += 1
        entry = (-rank, self.met, candidate)  # never compared by candidate
        if len(self.heap) < self.room:
            heapq.heappush(self.heap, entry)
        elif self.room:
            heapq.heappushpop(self.heap, entry)


@dataclass(slots=True)
class _Taking:
    """One read of the population: the groups of the rows drawn before, the lowest of the others."""

    pools: dict[Pool, _Lowest]
    groups: dict[str, str] = field(default_factory=dict[str, str])

    def offer(self, rank: int, candidate: Candidate) -> None:
        """Take it into account. One whose group came up since they were counted is passed over."""
        pool = self.pools.get(None if None in self.pools else candidate.group)
        if pool is not None:
            pool.offer(rank, candidate)

    def chosen(self, wanted: Mapping[Pool, int]) -> list[Candidate]:
        """What is drawn now, in the order of the ranks: a random one."""
        there: Counter[Pool] = Counter()
        for group in self.groups.values():
            there[None if None in self.pools else group] += 1
        entries = [
            entry
            for name, pool in self.pools.items()
            for entry in heapq.nlargest(max(0, wanted[name] - there[name]), pool.heap)
        ]
        return [candidate for _, _, candidate in sorted(entries, key=lambda each: -each[0])]


def _take(
    population: Population,
    wanted: Mapping[Pool, int],
    seed: int,
    existing: Iterable[LabelledItem],
) -> _Taking:
    drawn = {row.id: row for row in existing}
    taking = _Taking({name: _Lowest(room) for name, room in wanted.items()})
    digests = {row.id: row.item_digest for row in existing}
    for candidate in population.candidates(digests):
        row = drawn.get(candidate.id)
        if row is None:
            taking.offer(_rank(seed, candidate), candidate)
        else:
            taking.groups[row.id] = row.stratum or candidate.group
    return taking


def _rank(seed: int, candidate: Candidate) -> int:
    return int(digest_of(str(seed), encode_key(candidate.item.key)), 16)


def _row(candidate: Candidate, order: Order, population: Population) -> LabelledItem:
    item, judged = candidate.item, candidate.judged
    return LabelledItem(
        id=candidate.id,
        title=item.title,
        body=item.body,
        current=item.current if judged is None else judged.current,
        frame=order.frame,
        item_digest=item.digest,
        verdict_digest=None if judged is None else judged.verdict_digest,
        fingerprint=population.fingerprint,
        seed=order.seed,
    )


def _refuse_gone(
    rows: Sequence[LabelledItem], groups: Mapping[str, str], population: Population, name: str
) -> None:
    gone = [row.id for row in rows if row.id not in groups]
    if gone:
        raise UsageError(
            f"row {gone[0]!r} of {name} is not among the {population.name} any more "
            f"({len(gone)} such rows): {WAYS_OUT}"
        )


def _weighed(
    rows: Sequence[LabelledItem],
    groups: Mapping[str, str],
    sizes: Mapping[str, int],
    *,
    by_group: bool,
) -> list[LabelledItem]:
    if not by_group:
        whole = sum(sizes.values())
        return [_with_weight(row, None, whole, len(rows)) for row in rows]
    drawn = Counter(groups[row.id] for row in rows)
    return [
        _with_weight(row, groups[row.id], sizes[groups[row.id]], drawn[groups[row.id]])
        for row in rows
    ]


def _with_weight(row: LabelledItem, stratum: str | None, whole: int, drawn: int) -> LabelledItem:
    return replace(row, stratum=stratum, stratum_N=whole, stratum_n=drawn, weight=whole / drawn)


def _counted(
    rows: Sequence[LabelledItem], groups: Mapping[str, str], sizes: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    drawn = Counter(groups[row.id] for row in rows)
    return {name: (size, drawn[name]) for name, size in sizes.items()}
