"""Labels handed to an application's own function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from kclassify.errors import WriterError
from kclassify.ports import Receipt, Write, WriteResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

WriteFunction = Callable[[Write], WriteResult | bool | None]
"""Writes one label: nothing or True when it is written, False when the row has changed since."""


class CallbackWriter:
    """Calls `function(write)` for one change at a time, never two at once, always in order.

    A write whose fate is unknown, because the process died, is made again with the same
    `write.idempotency_key` and with `write.redo` set: at least once, not exactly once. `revert` is
    called with the original write to put `write.change.before` back. What a function raises passes.
    """

    def __init__(self, function: WriteFunction, revert: WriteFunction | None = None) -> None:
        for given in (function, revert):
            if inspect.iscoroutinefunction(given):
                raise WriterError(
                    f"{given.__name__} is a coroutine function: a writer's function is called in a "
                    "worker thread and is a plain one"
                )
        self._function, self._revert = function, revert

    @property
    def database(self) -> str | None:
        """None: it is not known where the function writes."""
        return None

    def check(self, labels: Collection[str] = ()) -> None:
        """Nothing can be told before the function is called."""

    def apply(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002 # it is a writer's parameter
    ) -> Sequence[Receipt]:
        """Call the function for each write. Raises `WriterError` for an answer of another type."""
        return [_receipt(self._function(write)) for write in writes]

    def revert(
        self,
        writes: Sequence[Write],
        connection: Connection | None,  # noqa: ARG002 # it is a writer's parameter
    ) -> Sequence[Receipt]:
        """Call the revert function for each write. Raises `WriterError` when there is none."""
        if self._revert is None:
            raise WriterError(
                "these writes cannot be rolled back: give CallbackWriter a `revert` function"
            )
        return [_receipt(self._revert(write)) for write in writes]

    def finish(self) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        """Nothing is held open."""


def _receipt(answer: object) -> Receipt:
    if answer is None or answer is True or answer is WriteResult.WRITTEN:
        return Receipt(WriteResult.WRITTEN)
    if answer is False or answer is WriteResult.CONFLICT:
        return Receipt(WriteResult.CONFLICT)
    raise WriterError(
        f"the writer's function answered with {type(answer).__name__}: "
        "a WriteResult, True, False or None is expected"
    )
