"""What an estimate is asked for."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`model` is the one asked for, `then` the second one of a cascade, `share` what it is asked.

    What is None is found out, or assumed: output tokens of a reply, seconds of a call, and the
    provider's limits a minute, which nobody assumes.
    """

    sample: int = SAMPLE
    model: str | None = None
    then: str | None = None
    share: float | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    requests_per_minute: int | None = None
    input_tokens_per_minute: int | None = None
