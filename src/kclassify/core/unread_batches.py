"""Batches of a run that are not read: what a pass makes of those of other passes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from kclassify.core.batch import Answer, Batch, Standing
from kclassify.core.decision import Halt
from kclassify.core.verdict import OutcomeKind

NAMED = 3
"""Batches that a message names."""


def with_others(
    standing: Standing,
    unread: Sequence[Batch],
    pass_id: int | None,
    fingerprint: str,
    out_of_reach: Collection[int] = (),
) -> Standing:
    """How a pass stands among all unread batches of its run; those of its other shards are theirs.

    Without a pass all of them are others. `out_of_reach` are the numbers of those that the provider
    does not tell of.
    """
    others = [batch for batch in unread if batch.pass_id != pass_id]
    reached = [batch for batch in others if batch.id not in out_of_reach]
    return replace(
        standing,
        elsewhere=tuple(each for each in reached if each.fingerprint == fingerprint),
        strange=tuple(each for each in reached if each.fingerprint != fingerprint),
        out_of_reach=tuple(each for each in others if each.id in out_of_reach),
    )


def of_another_classifier(answer: Answer, worst: int | None, *, is_same_model: bool) -> Answer:
    """What is kept of an answer to a question that this classifier did not ask.

    A reply that this one cannot use may have been right. Of another model it has no price: the
    answer can have cost `worst` at most.
    """
    outcome = answer.outcome
    if outcome.kind.is_paid and not is_same_model:
        outcome = replace(outcome, cost=None, uncertain=worst or 0)
    is_final = answer.is_final and outcome.kind is not OutcomeKind.INVALID
    return replace(answer, outcome=outcome, is_final=is_final)


@dataclass(frozen=True, slots=True)
class _Words:
    count: str
    are: str
    they: str
    them: str
    named: str


def _words(batches: Sequence[Batch]) -> _Words:
    many = f"{len(batches)} batches", "are", "they", "them"
    forms = many if len(batches) > 1 else ("1 batch", "is", "it", "it")
    names = [batch.remote_id for batch in batches if batch.remote_id is not None]
    more = ["…"] if len(names) > NAMED else []
    return _Words(*forms, f" ({', '.join([*names[:NAMED], *more])})" if names else "")


def refusal(unread: Sequence[Batch], fingerprint: str) -> Halt | None:
    """Why nothing may be asked directly while batches for the same classifier are not read."""
    ours = [batch for batch in unread if batch.fingerprint == fingerprint]
    if not ours:
        return None
    word = _words(ours)
    return Halt(
        f"{word.count} of this run {word.are} not read yet{word.named}: go on with "
        f'`[classifier] transport = "batch"` until {word.they} {word.are}, or end {word.them} with '
        f"`kclassify batches --cancel` and read {word.them} with `kclassify batches --read`: what "
        f"{word.they} answered is paid for"
    )


def left_aside(batches: Sequence[Batch]) -> str | None:
    """What people are told of batches that a pass ends or begins without; None without any."""
    if not batches:
        return None
    word = _words(batches)
    return (
        f"{word.count} of another pass of this run {word.are} not read yet{word.named}: "
        f"`kclassify batches --read` reads {word.them}"
    )


def out_of_reach(batch: Batch, reason: str) -> str:
    """What people are told of a batch that the provider does not tell of."""
    name = batch.remote_id or "that was on its way"
    given_up = "" if "--forget" in reason else "; `kclassify batches --forget` gives it up"
    return f"a batch of this run is not read ({name}): {reason}{given_up}"
