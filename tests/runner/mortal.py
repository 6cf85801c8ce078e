"""A worker whose process dies to its ledger, while what it has asked goes on at the provider."""

from __future__ import annotations

from typing import Any, cast

from kclassify.errors import DatabaseError
from kclassify.ports import Ledger


class _Mortal:
    def __init__(self, ledger: Ledger, calls: int) -> None:
        self._ledger = ledger
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise DatabaseError("the process is dead")
            return found(*given, **named)

        return call


def mortal(ledger: Ledger, calls: int) -> Ledger:
    """A worker's way to the ledger: after so many calls its process is dead to it."""
    return cast("Ledger", _Mortal(ledger, calls))
