"""Seeded draws that depend on nothing but their seed and key."""

from __future__ import annotations

from hashlib import blake2b

_RANGE = 2**64


def uniform(seed: int, *key: object) -> float:
    """A number strictly between 0 and 1: the same one for the same seed and key, in any process."""
    digest = blake2b(repr((seed, key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / _RANGE
