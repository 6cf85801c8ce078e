"""What a sample is drawn from: all items of a source, or what a pass said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kclassify.core.item import Item
from kclassify.core.verdict import OutcomeKind
from kclassify.evals.labelled import Frame
from kclassify.paging import pages
from kclassify.ports import Mode, Source
from kclassify.store.judged_rows import Judged, JudgedPass, JudgedRow

NO_LABEL = "(none)"
CHANGED = "changed"
RELABELLED = "relabelled"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be drawn. `group` is the label that it is counted by."""

    item: Item
    group: str
    judged: JudgedRow | None = None

    @property
    def id(self) -> str:
        """What it is called in a sample."""
        return str(self.item.key)


class Population(Protocol):
    """What a sample is drawn from. `fingerprint` is that of the classifier whose pass it is."""

    @property
    def fingerprint(self) -> str | None:
        """Of the classifier whose verdicts these are, None where there are none."""
        ...

    @property
    def name(self) -> str:
        """What is counted, for people: `proposals of pass 1`."""
        ...

    @property
    def grows(self) -> bool:
        """Whether it may have become larger since a sample of it was drawn."""
        ...

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many were not offered, by reason, once `candidates` is at its end."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """How many there are, by group."""
        ...

    def candidates(self, drawn: Mapping[str, str]) -> Iterator[Candidate]:
        """All that may be drawn. `drawn` maps the ids drawn before to their item digests."""
        ...


@dataclass(frozen=True, slots=True)
class SourcePopulation:
    """All items with a text, by the label that they carry."""

    source: Source
    left_out: Counter[str] = field(default_factory=Counter[str])
    fingerprint: None = None
    grows: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"items of {self.source.description}"

    def sizes(self) -> Mapping[str, int]:
        """One read of the source."""
        return Counter(candidate.group for candidate in self.candidates({}))

    def candidates(self, drawn: Mapping[str, str]) -> Iterator[Candidate]:
        """One read of the source."""
        del drawn
        for page in pages(self.source, _PAGE):
            for item in page:
                if not item.is_empty:
                    yield Candidate(item, _group(item.current))


@dataclass(frozen=True, slots=True)
class JudgedPopulation:
    """What a pass said: of every item with a text, or the writes that it proposes or made.

    Items whose text or label is another one than the pass saw are counted and not offered, since
    what was said is about what they were.
    """

    source: Source
    judged: JudgedPass
    frame: Frame
    min_confidence: float | None = None
    left_out: Counter[str] = field(default_factory=Counter[str])

    @property
    def fingerprint(self) -> str:
        """Of the classifier of the pass."""
        return self.judged.fingerprint

    @property
    def name(self) -> str:
        """For people."""
        what = "items" if self.frame is Frame.UNIFORM else "proposals"
        if self.judged.mode is Mode.COMMIT:
            what = "writes"
        return f"{what} of pass {self.judged.number} ({self.judged.mode})"

    @property
    def grows(self) -> bool:
        """A commit goes on writing."""
        return self.judged.mode is Mode.COMMIT

    def sizes(self) -> Mapping[str, int]:
        """Counted by the database."""
        counted: Counter[str] = Counter()
        for judged, rows in self.judged.tally().items():
            if self._is_member(judged):
                counted[self._group(judged)] += rows
        return counted

    def candidates(self, drawn: Mapping[str, str]) -> Iterator[Candidate]:
        """One read of the source, with the verdicts of each page."""
        self.left_out.clear()
        for page in pages(self.source, _PAGE):
            said = self.judged.of([item.key for item in page])
            for item in page:
                judged = said.get(item.key)
                if judged is None or not self._is_member(judged):
                    continue
                if drawn.get(str(item.key)) == judged.digest or self._is_as_it_was(item, judged):
                    yield Candidate(item, self._group(judged), judged)

    def _is_member(self, judged: Judged) -> bool:
        if self.frame is Frame.UNIFORM:
            return judged.kind is not OutcomeKind.EMPTY
        return judged.is_proposal(self.min_confidence) and (
            self.judged.mode is Mode.DRY_RUN or judged.is_proposal()
        )

    def _group(self, judged: Judged) -> str:
        return _group(judged.current if self.frame is Frame.UNIFORM else judged.label)

    def _is_as_it_was(self, item: Item, judged: JudgedRow) -> bool:
        if item.digest != judged.digest:
            self.left_out[CHANGED] += 1
            return False
        if self.judged.mode is Mode.DRY_RUN and item.current != judged.current:
            self.left_out[RELABELLED] += 1
            return False
        return True


def _group(label: str | None) -> str:
    return NO_LABEL if label is None else label
