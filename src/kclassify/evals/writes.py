"""The writes that a classifier would make among labelled rows, and what each would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kclassify.evals.criteria import PolicyTable
from kclassify.evals.labelled import Answered, Frame


class Effect(StrEnum):
    """What a write does to its row."""

    BETTER = "better"
    WORSE = "worse"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Writes:
    """The labelled rows whose label would change under a policy.

    `proportional` stand for all writes of the corpus, each alike; `by_category` may hold more of
    those that went into a rare category, which stand for that category alone.
    """

    proportional: tuple[Answered, ...]
    pooled: tuple[Answered, ...]
    policy: PolicyTable

    @classmethod
    def of(cls, answers: Sequence[Answered], policy: PolicyTable) -> Writes:
        """The writes among these answers.

        Where proposals of a dry run were drawn, those in proportion are of the frame `writes`; else
        they are the writes among the uniform rows.
        """
        pooled = tuple(each for each in answers if _is_written(each, policy))
        drawn = tuple(each for each in pooled if each.row.frame is Frame.WRITES)
        has_frame = any(each.row.frame is Frame.WRITES for each in answers)
        uniform = tuple(each for each in pooled if each.row.frame is Frame.UNIFORM)
        return cls(drawn if has_frame else uniform, pooled, policy)

    def above(self, threshold: float) -> Writes:
        """Those from this confidence on."""
        return Writes(
            tuple(each for each in self.proportional if each.confidence >= threshold),
            tuple(each for each in self.pooled if each.confidence >= threshold),
            self.policy,
        )

    def by_category(self) -> dict[str, list[Answered]]:
        """All labelled writes by the category that they would go into."""
        found: dict[str, list[Answered]] = {}
        for each in self.pooled:
            found.setdefault(str(each.label), []).append(each)
        return dict(sorted(found.items()))


def effect_of(write: Answered) -> Effect:
    """What this write would do to its row."""
    if write.is_right:
        return Effect.BETTER
    return Effect.WORSE if write.row.current == write.row.gold else Effect.NEUTRAL


def holds_after(answer: Answered, policy: PolicyTable) -> str | None:
    """The label of the row once its write, if there is one, is made."""
    return answer.label if _is_written(answer, policy) else answer.row.current


def _is_written(answer: Answered, policy: PolicyTable) -> bool:
    is_sure = answer.confidence >= policy.min_confidence
    return answer.is_proposal and is_sure and answer.label not in policy.veto
