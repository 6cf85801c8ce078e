"""What would move from where to where, as ribbons between two columns of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import east_asian_width

from kclassify.core.evaluation import Flow, Transition
from kclassify.report.wording import named

BAR = 12
_HEIGHT, _MOST_NODES, _COLUMNS = 280, 8, 24
_OTHERS = " others"


@dataclass(frozen=True, slots=True)
class Canvas:
    """How the picture is laid out, in units of its view box.

    `edge` is left at each side for the names, of `columns` letters at most, `gap` lies between two
    nodes. On a `stacked` one the number of rows stands under the name instead of beside it.
    """

    name: str
    width: int
    edge: int
    gap: int
    columns: int
    stacked: bool

    @property
    def margin(self) -> int:
        """What is left above and below for the names of the first and the last node."""
        return 20 if self.stacked else 10


WIDE = Canvas("moves", width=860, edge=250, gap=16, columns=_COLUMNS, stacked=False)
NARROW = Canvas("moves-narrow", width=350, edge=116, gap=34, columns=12, stacked=True)


@dataclass(frozen=True, slots=True)
class Node:
    """A label on one side: its place, its height, its name and the rows that pass it."""

    name: str
    top: float
    height: float
    rows: int
    alarm: bool

    @property
    def middle(self) -> float:
        """Where its name stands."""
        return round(self.top + self.height / 2, 1)


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Rows that move between two labels, as the path of an SVG."""

    path: str
    alarm: bool


@dataclass(frozen=True, slots=True)
class Moves:
    """The picture: two columns of nodes, and the ribbons between them."""

    before: tuple[Node, ...]
    after: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    height: float
    rows: int
    canvas: Canvas


@dataclass(frozen=True, slots=True)
class FlowRow:
    """In and out of a label, each in percent of the widest bar."""

    flow: Flow
    out_width: float
    in_width: float


def moves(
    transitions: Sequence[Transition], flows: Sequence[Flow], canvas: Canvas = WIDE
) -> Moves | None:
    """The picture of all moves, the small labels of each side put together; None without any."""
    total = sum(each.count for each in transitions)
    if not total:
        return None
    alarms = {each.label for each in flows if each.alarm}
    left = _folded([(each.before, each.count) for each in transitions])
    right = _folded([(each.after, each.count) for each in transitions])
    cells: Counter[tuple[str, str]] = Counter()
    for each in transitions:
        cells[left[each.before], right[each.after]] += each.count
    unit = _HEIGHT / total
    before = _nodes(_totals(cells, 0), unit, canvas.gap, ())
    after = _nodes(_totals(cells, 1), unit, canvas.gap, {named(label) for label in alarms})
    height = max(_bottom(before), _bottom(after))
    ribbons = _ribbons(cells, before, after, unit, canvas)
    return Moves(before, after, ribbons, height, total, canvas)


def flow_rows(flows: Sequence[Flow]) -> list[FlowRow]:
    """The labels that anything enters or leaves: alarms first, then by how much moves."""
    moving = [each for each in flows if each.inflow or each.outflow]
    widest = max((max(each.inflow, each.outflow) for each in moving), default=1)
    ordered = sorted(moving, key=lambda each: (not each.alarm, -(each.inflow + each.outflow)))
    return [
        FlowRow(each, round(100 * each.outflow / widest, 2), round(100 * each.inflow / widest, 2))
        for each in ordered
    ]


def shortened(name: str, columns: int = _COLUMNS) -> str:
    """A name that fits beside a picture: cut in its middle, wide letters count twice."""
    if _columns(name) <= columns:
        return name
    half = columns // 2 - 1
    return f"{_fitting(name, half)}…{_fitting(name[::-1], half)[::-1]}"


def _fitting(name: str, columns: int) -> str:
    widths = accumulate(_columns(letter) for letter in name)
    return name[: sum(1 for width in widths if width <= columns)]


def _columns(name: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)


def _folded(counts: Iterable[tuple[str | None, int]]) -> Mapping[str | None, str]:
    """The name under which each label is shown: that of the small ones says how many they are."""
    counted: Counter[str | None] = Counter()
    for label, count in counts:
        counted[label] += count
    ordered = [label for label, _ in counted.most_common()]
    if len(ordered) <= _MOST_NODES:
        return {label: named(label) for label in ordered}
    shown = ordered[: _MOST_NODES - 1]
    others = f"{len(ordered) - len(shown)}{_OTHERS}"
    return {label: named(label) if label in shown else others for label in ordered}


def _totals(cells: Mapping[tuple[str, str], int], side: int) -> list[tuple[str, int]]:
    """The names of one side with their rows: the largest first, the small ones together last."""
    totals: Counter[str] = Counter()
    for pair, count in cells.items():
        totals[pair[side]] += count
    return sorted(totals.items(), key=lambda each: (each[0].endswith(_OTHERS), -each[1], each[0]))


def _nodes(
    totals: Sequence[tuple[str, int]], unit: float, gap: int, alarms: Collection[str]
) -> tuple[Node, ...]:
    nodes: list[Node] = []
    top = 0.0
    for name, rows in totals:
        height = max(1.5, rows * unit)
        nodes.append(Node(name, round(top, 1), round(height, 1), rows, name in alarms))
        top += height + gap
    return tuple(nodes)


def _bottom(nodes: Sequence[Node]) -> float:
    return round(nodes[-1].top + nodes[-1].height, 1)


def _ribbons(
    cells: Mapping[tuple[str, str], int],
    before: Sequence[Node],
    after: Sequence[Node],
    unit: float,
    canvas: Canvas,
) -> tuple[Ribbon, ...]:
    starts = {node.name: node.top for node in before}
    ends = {node.name: node.top for node in after}
    made: list[Ribbon] = []
    for left in before:
        for right in after:
            thickness = cells.get((left.name, right.name), 0) * unit
            if thickness:
                path = _path(starts[left.name], ends[right.name], thickness, canvas)
                made.append(Ribbon(path, right.alarm))
                starts[left.name] += thickness
                ends[right.name] += thickness
    return tuple(made)


def _path(start: float, end: float, thickness: float, canvas: Canvas) -> str:
    left, middle = canvas.edge + BAR, canvas.width // 2
    right = canvas.width - left
    low_start, low_end = start + thickness, end + thickness
    return (
        f"M{left} {start:.1f}C{middle} {start:.1f} {middle} {end:.1f} {right} {end:.1f}"
        f"V{low_end:.1f}C{middle} {low_end:.1f} {middle} {low_start:.1f} {left} {low_start:.1f}Z"
    )
