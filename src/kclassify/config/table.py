"""What every table of `kclassify.toml` has in common: frozen, closed, relative to its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from kclassify.config.complaint import explain_alone
from kclassify.errors import ConfigError

_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+pysqlite)?:///)(?P<file>[^/].*)")


class Table(BaseModel):
    """One table: no unknown keys, no change after it is read.

    Raises `ConfigError` when it is made with a value that it cannot hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_line(
        cls, given: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        try:
            return handler(given)
        except ValidationError as error:
            if info.context is not None:  # read from a file, which the message will name
                raise
            raise ConfigError(explain_alone(error, cls)) from None


def folder_of(info: ValidationInfo) -> Path:
    """The folder that the settings being read are relative to."""
    context: dict[str, Any] = info.context or {}
    return Path(context.get("folder", Path()))


def url_beside(folder: Path, url: str) -> str:
    """The URL, with the file of a relative SQLite URL put into `folder`."""
    found = _SQLITE.fullmatch(url)
    if found is None or found["file"].startswith((":memory:", "file:", "~")):
        return url
    # `quote`, since the path in a database URL is decoded; the file was written encoded already.
    inside = "" if folder == Path() else f"{quote(folder.as_posix())}/"
    return f"{found['scheme']}{inside}{found['file']}"


def _path_beside(value: Path, info: ValidationInfo) -> Path:
    return folder_of(info) / value.expanduser()


def _url_beside(value: str, info: ValidationInfo) -> str:
    return url_beside(folder_of(info), value)


PathBeside = Annotated[Path, AfterValidator(_path_beside)]
UrlBeside = Annotated[str, AfterValidator(_url_beside)]
