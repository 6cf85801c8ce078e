"""A batch that may be at its provider although nobody saw it arrive: found again, or given up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.core.batch import Batch, RemoteBatch
from kclassify.core.decision import Snooze

CREATING_S = 600.0
"""Seconds that a batch is on its way to its provider at most: what creates one gives up then."""

CLOCKS_S = 86_400.0
"""Seconds by which the clocks of a provider and of our machines may differ."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch at the provider that no ledger knows.

    `is_ours` says whether its requests carry the nonce of the batch that is looked for; None where
    it has no results yet, which tell.
    """

    remote: RemoteBatch
    is_ours: bool | None


@dataclass(frozen=True, slots=True)
class Adopted:
    """The provider has it: this one."""

    remote: RemoteBatch


@dataclass(frozen=True, slots=True)
class Lost:
    """The provider never got it: its items may be asked again."""


def looks_back_to(batch: Batch) -> float:
    """When the provider can have got it at the earliest, by its clock, in Unix seconds."""
    return batch.intended_at - CLOCKS_S


def may_be(batch: Batch, remote: RemoteBatch) -> bool:
    """Whether this batch at the provider can be that one, by its time and its size."""
    latest = batch.intended_at + CREATING_S + CLOCKS_S
    is_then = looks_back_to(batch) <= remote.created_at <= latest
    return is_then and remote.requests in {None, batch.requests}


def fate(
    batch: Batch, candidates: Sequence[Candidate], now: float, poll_s: float
) -> Adopted | Snooze | Lost:
    """What became of a batch that was about to be created.

    It is not given up while its creation may go on, nor while a candidate has no results yet.
    """
    ours = [each.remote for each in candidates if each.is_ours]
    if ours:
        return Adopted(ours[0])
    unknown = [each.remote for each in candidates if each.is_ours is None]
    if unknown:
        told = f"{unknown[0].id}, which may be the one that this run lost, is in progress"
        return Snooze(max(1, math.ceil(poll_s)), f"batch {told}")
    left = batch.intended_at + CREATING_S - now
    if left > 0:
        seconds = max(1, math.ceil(min(left, poll_s)))
        return Snooze(seconds, "a batch may still be on its way to the provider")
    return Lost()
