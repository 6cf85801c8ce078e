"""The file that an embedded classifier is kept in: arrays and words, never code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 - an exception is written as one

from pydantic import BaseModel, ValidationError

from kclassify.classifier.local_model import LocalModel, require_scikit_learn
from kclassify.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_ARRAYS = ("idf", "weights", "intercept", "slope", "offset")
_FORMAT = 1
_DAMAGE = (BadZipFile, ZlibError, ValidationError, ValueError, KeyError, EOFError)


class _Header(BaseModel):
    format: int
    labels: tuple[str, ...]
    vocabulary: tuple[str, ...]
    digest: str
    seen: tuple[str, ...] | None = None


def write_model(model: LocalModel, path: Path) -> None:
    """Write a model to a file, whole or not at all. Raises `UsageError` when that fails."""
    import numpy as np  # noqa: PLC0415

    header = _Header(
        format=_FORMAT,
        labels=model.labels,
        vocabulary=model.vocabulary,
        digest=model.digest,
        seen=None if model.seen is None else tuple(sorted(model.seen)),
    )
    arrays = {name: getattr(model, name) for name in _ARRAYS}
    arrays["header"] = np.frombuffer(header.model_dump_json().encode(), dtype=np.uint8)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **arrays)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def read_model(path: Path) -> LocalModel:
    """The model in a file. Raises `UsageError` unless it is as it was written."""
    require_scikit_learn()
    try:
        header, model = _read(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except _DAMAGE:
        raise UsageError(f"{path}: this is not a saved local classifier: fit and save it") from None
    if header.format != _FORMAT:
        raise UsageError(f"{path}: saved by another version of kclassify: fit and save it again")
    if header.digest != model.digest or not _fits(model):
        raise UsageError(f"{path}: it was changed after it was saved: fit and save it again")
    return model


def _read(path: Path) -> tuple[_Header, LocalModel]:
    import numpy as np  # noqa: PLC0415

    with path.open("rb") as file:
        content: Any = np.load(file, allow_pickle=False)
        if not hasattr(content, "files"):
            raise ValueError("a single array")
        with content:
            header = _Header.model_validate_json(content["header"].tobytes())
            arrays = {name: content[name].astype(np.float64) for name in _ARRAYS}
    seen = None if header.seen is None else frozenset(header.seen)
    return header, LocalModel(header.labels, header.vocabulary, **arrays, seen=seen)


def _fits(model: LocalModel) -> bool:
    columns = 1 if len(model.labels) == 2 else len(model.labels)  # noqa: PLR2004
    shapes = [getattr(model, name).shape for name in _ARRAYS]
    words = len(model.vocabulary)
    return shapes == [(words,), (words, columns), (columns,), (columns,), (columns,)]
