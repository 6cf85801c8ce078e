"""A call as the provider saw it: what a checker is told of the log of requests."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = 16
"""So many digits of an item's digest stand in the fence of its prompt."""


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One request.

    `digest` is that of the item it asked about, or its first 16 digits at least; None when it
    cannot be told. `answered` says that it was answered as asked, and billed. `at` is when it
    arrived, in seconds on whatever clock the provider has, `answered_at` when its answer was sent,
    None where that is not known: it then counts as sent at once. `in_flight` counts the requests in
    flight when it arrived, itself included. `is_probe` marks a harmless text of our own, `is_reask`
    a second request of one call, `halts` an answer after which no item can be judged: bad
    credentials, an unknown model, a spend limit. `labels` are those that its schema allows, none
    when it has no list of them.
    """

    digest: str | None
    answered: bool = True
    at: float = 0.0
    in_flight: int = 1
    is_probe: bool = False
    is_reask: bool = False
    halts: bool = False
    labels: tuple[str, ...] = ()
    answered_at: float | None = None

    @property
    def mark(self) -> str:
        """What is compared of the digest: empty when there is none."""
        return (self.digest or "")[:DIGITS]
