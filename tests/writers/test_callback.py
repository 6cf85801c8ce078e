from __future__ import annotations

from typing import Any

import pytest

from kclassify.core.policy import Change
from kclassify.errors import WriterError
from kclassify.ports import Receipt, Write, WriteResult
from kclassify.writers import CallbackWriter

WRITES = [Write(Change(n, "old", "new", 0.9), f"w{n}") for n in range(3)]


def test_the_function_is_called_once_a_write_in_order() -> None:
    seen: list[Write] = []
    writer = CallbackWriter(seen.append)
    assert list(writer.apply(WRITES, None)) == [Receipt(WriteResult.WRITTEN)] * 3
    assert seen == WRITES
    assert writer.database is None


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (None, WriteResult.WRITTEN),
        (True, WriteResult.WRITTEN),
        (WriteResult.WRITTEN, WriteResult.WRITTEN),
        (False, WriteResult.CONFLICT),
        (WriteResult.CONFLICT, WriteResult.CONFLICT),
    ],
)
def test_an_answer_is_a_result(answer: Any, result: WriteResult) -> None:
    writer = CallbackWriter(lambda write: answer, revert=lambda write: answer)
    assert writer.apply(WRITES[:1], None)[0].result is result
    assert writer.revert(WRITES[:1], None)[0].result is result


@pytest.mark.parametrize("answer", [0, 1, "yes", []])
def test_any_other_answer_is_refused(answer: Any) -> None:
    with pytest.raises(WriterError, match="a WriteResult, True, False or None is expected"):
        CallbackWriter(lambda write: answer).apply(WRITES[:1], None)


def test_a_revert_without_a_function_says_what_to_give() -> None:
    with pytest.raises(WriterError, match="give CallbackWriter a `revert` function"):
        CallbackWriter(lambda write: None).revert(WRITES, None)


def test_a_coroutine_function_is_refused() -> None:
    async def save(write: Write) -> None: ...

    with pytest.raises(WriterError, match="save is a coroutine function"):
        CallbackWriter(save)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_what_the_function_raises_passes_and_ends_the_batch() -> None:
    seen: list[Write] = []

    def save(write: Write) -> None:
        seen.append(write)
        if len(seen) == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        CallbackWriter(save).apply(WRITES, None)
    assert seen == WRITES[:2]
