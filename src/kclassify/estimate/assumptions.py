"""What is assumed where the ledger has nothing to tell yet."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kclassify.core.figure import Figure
from kclassify.core.token_estimate import approximate_tokens

LATENCY_S = Figure(2.0, 1.0, 4.0)
"""Seconds of a call of a model that replies with a label."""

SECOND_SHARE = Figure(0.3, 0.1, 0.5)
"""The share of items that a cascade asks its second model about."""

_REPLY_ERROR = 0.5
_AROUND = 8
"""Tokens that a provider adds around a reply."""


def typical_reply(labels: Sequence[str]) -> Figure:
    """Output tokens of a reply with a label of mean length and a confidence."""
    replies = [json.dumps({"label": label, "confidence": 0.95}) for label in labels]
    tokens = sum(map(approximate_tokens, replies)) / len(replies) + _AROUND
    return Figure(tokens, tokens, tokens).widened(_REPLY_ERROR)
