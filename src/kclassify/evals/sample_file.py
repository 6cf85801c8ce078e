"""`sample.jsonl` read and written: a line a row, nothing in it that is not known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kclassify.core.gate import text_digest
from kclassify.errors import SourceError
from kclassify.evals.labelled import Frame, GoldStatus, LabelledItem, Split
from kclassify.sources.records import jsonl_records_in, opened
from kclassify.whole_file import write_whole


def _as_text(key: object) -> object:
    """A number as its digits: a key of a table often is one."""
    return str(key) if isinstance(key, int) and not isinstance(key, bool) else key


class _Line(BaseModel):
    """One line. Its keys are those of `LabelledItem`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, BeforeValidator(_as_text)] = Field(min_length=1)
    body: str
    gold: str | None
    title: str | None = None
    current: str | None = None
    gold_by: list[str] = Field(default_factory=list[str])
    gold_status: GoldStatus | None = Field(default=None, strict=False)
    stratum: str | None = None
    stratum_N: int | None = Field(default=None, ge=1)  # noqa: N815 - the file's own name for it
    stratum_n: int | None = Field(default=None, ge=1)
    weight: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    frame: Frame = Field(default=Frame.UNIFORM, strict=False)
    split: Split | None = Field(default=None, strict=False)
    cluster_id: str | None = None
    item_digest: str = ""
    verdict_digest: str | None = None
    fingerprint: str | None = None
    seed: int | None = None
    holdout: float | None = Field(default=None, gt=0, lt=1)
    votes: dict[str, str] = Field(default_factory=dict[str, str])

    def row(self) -> LabelledItem:
        """The same as plain data."""
        values: dict[str, Any] = self.model_dump()
        values["gold_by"] = tuple(self.gold_by)
        return LabelledItem(**values)


def read_rows(path: Path) -> tuple[LabelledItem, ...]:
    """The rows of the file in their order.

    Raises `SourceError`, which names the line, for what is no row and for an id that is there
    twice.
    """
    return read_sealed(path)[0]


def read_sealed(path: Path) -> tuple[tuple[LabelledItem, ...], str]:
    """The rows as `read_rows`, and the digest by which a gate record names exactly these.

    The file is read once: somebody may label in it at the same time.
    """
    with opened(path) as file:
        content = file.read()
    return _rows_of(content, path), text_digest(content.decode("utf-8", "replace"))


def _rows_of(content: bytes, path: Path) -> tuple[LabelledItem, ...]:
    rows: list[LabelledItem] = []
    lines: dict[str, int] = {}
    for record in jsonl_records_in(BytesIO(content), path):
        row = _parsed(record.fields, f"{path}, line {record.line}")
        if row.id in lines:
            raise SourceError(
                f"{path}, line {record.line}: id {row.id!r} is that of line {lines[row.id]} too: "
                "leave one of them out"
            )
        lines[row.id] = record.line
        rows.append(row)
    return tuple(rows)


def _parsed(values: Mapping[str, Any], where: str) -> LabelledItem:
    try:
        return _Line.model_validate(values).row()
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        raise SourceError(f"{where}: unknown key {name!r}: {_known(name)}")
    if detail["type"] == "missing":
        raise SourceError(f"{where}: {name!r} is missing: id, body and gold are needed")
    raise SourceError(f"{where}: {name}: {detail['msg']}")


def _known(name: str) -> str:
    close = get_close_matches(name, list(_Line.model_fields), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(_Line.model_fields)}"


def write_rows(path: Path, rows: Sequence[LabelledItem]) -> None:
    """Put the rows in place of the file, all of them or none.

    The folder is made when it is missing. Raises `UsageError` when it cannot be written.
    """
    write_whole(path, b"".join(_line(row) + b"\n" for row in rows))


_ALWAYS = frozenset({"id", "body", "gold", "frame"})
_ORDER = (
    "id",
    "title",
    "body",
    "current",
    "gold",
    "gold_by",
    "gold_status",
    "votes",
    "stratum",
    "stratum_N",
    "stratum_n",
    "weight",
    "frame",
    "split",
    "cluster_id",
    "item_digest",
    "verdict_digest",
    "fingerprint",
    "seed",
    "holdout",
)


def _line(row: LabelledItem) -> bytes:
    values: dict[str, Any] = {name: getattr(row, name) for name in _ORDER}
    kept = {
        name: dict(value) if name == "votes" else value
        for name, value in values.items()
        if name in _ALWAYS or value not in (None, (), {}, "")
    }
    try:
        return json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return json.dumps(kept, allow_nan=False).encode()
