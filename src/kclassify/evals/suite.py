"""`suite.toml`: which variants are asked about which sample, and what has to be shown."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kclassify.config.complaint import explain
from kclassify.config.load import expand, read_toml
from kclassify.config.settings import ClassifierSettings
from kclassify.config.table import PathBeside, Table, UrlBeside
from kclassify.errors import ConfigError
from kclassify.evals.criteria import GateTable, PolicyTable

DEFAULT_SUITE = "evals/suite.toml"
WRITTEN_BY = "kclassify eval init"
M = TypeVar("M", bound=BaseModel)


class RunTable(Table):
    """`[run]`: what is asked, how often, and which variant is to replace which.

    Every row is asked about `repeats` times, with at most `concurrency` calls at once. `candidate`
    and `baseline` name variants: the last and the first one unless they are given. `replies` is the
    folder that keeps replies; `ledger` is the database whose verdicts are recalled and that counts
    the looks, the one of `kclassify.toml` when it is absent.
    """

    name: str | None = Field(default=None, min_length=1)
    sample: PathBeside
    repeats: int = Field(default=1, ge=1, le=100)
    seed: int = Field(default=0, ge=0)
    candidate: str | None = None
    baseline: str | None = None
    concurrency: int = Field(default=10, ge=1)
    replies: PathBeside = Path(".cache/replies")
    ledger: UrlBeside | None = Field(default=None, repr=False)


class VariantTable(ClassifierSettings):
    """`[[variant]]`: one classifier. What it leaves out comes from `kclassify.toml`.

    `prompt` is a file of instructions. The other keys are those of `[classifier]`.
    """

    name: str = Field(min_length=1)
    taxonomy: PathBeside | None = None
    instructions: PathBeside | None = Field(default=None, alias="prompt")

    def over(self, base: ClassifierSettings) -> ClassifierSettings:
        """The settings of the classifier: this variant's own, else those of `base`."""
        given = self.model_fields_set & ClassifierSettings.model_fields.keys()
        return base.model_copy(update={name: getattr(self, name) for name in given})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite as its file has it. `variants` holds one or more, in the order of the file."""

    path: Path
    name: str
    run: RunTable
    variants: tuple[VariantTable, ...]
    policy: PolicyTable
    gate: GateTable

    @property
    def folder(self) -> Path:
        """The folder of the file, to which its paths are relative."""
        return self.path.parent

    @property
    def candidate(self) -> VariantTable:
        """The variant that the gate is about."""
        return self.variant(self.run.candidate) if self.run.candidate else self.variants[-1]

    @property
    def baseline(self) -> VariantTable | None:
        """The variant that the candidate is compared with first; None when it is alone."""
        others = [each for each in self.variants if each.name != self.candidate.name]
        named = [each for each in others if each.name == self.run.baseline]
        return next(iter([*named, *others]), None)

    def variant(self, name: str) -> VariantTable:
        """The variant of this name. Raises `ConfigError` when there is none."""
        for each in self.variants:
            if each.name == name:
                return each
        there = ", ".join(each.name for each in self.variants)
        raise ConfigError(f"{self.path}: there is no variant {name!r}; there are {there}")


class _Tables(BaseModel):
    """The tables that are there once."""

    model_config = ConfigDict(extra="forbid")

    run: RunTable
    policy: PolicyTable = Field(default_factory=PolicyTable)
    gate: GateTable = Field(default_factory=GateTable)


class _One(BaseModel):
    variant: VariantTable


def load_suite(path: Path, environment: Mapping[str, str] | None = None) -> Suite:
    """The suite in a TOML file. Raises `ConfigError`, which names the key at fault.

    `${NAME}` in a text stands for an environment variable; paths are relative to the file.
    """
    variables = os.environ if environment is None else environment
    content = read_toml(path, WRITTEN_BY)
    listed = content.pop("variant", [])
    tables = _parsed(_Tables, _expanded(content, variables, path), path, str(path))
    suite = Suite(
        path=path,
        name=tables.run.name or path.resolve().stem,
        run=tables.run,
        variants=_variants(listed, variables, path),
        policy=tables.policy,
        gate=tables.gate,
    )
    _check(suite)
    return suite


def _expanded(
    content: Mapping[str, Any], variables: Mapping[str, str], path: Path
) -> dict[str, object]:
    return {
        table: expand(value, variables, f"{path}: [{table}]") for table, value in content.items()
    }


def _variants(listed: object, variables: Mapping[str, str], path: Path) -> tuple[VariantTable, ...]:
    if not isinstance(listed, list):
        raise ConfigError(f"{path}: [variant]: write [[variant]], one for each")
    entries = cast("list[object]", listed)
    if not entries:
        raise ConfigError(f"{path}: [[variant]]: is missing: name at least one to evaluate")
    return tuple(_variant(each, n, variables, path) for n, each in enumerate(entries, start=1))


def _variant(given: object, number: int, variables: Mapping[str, str], path: Path) -> VariantTable:
    if not given:
        raise ConfigError(f"{path}, variant {number}: it is empty: give it a name, at least")
    table = _expanded({"variant": given}, variables, path)
    return _parsed(_One, table, path, f"{path}, variant {number}").variant


def _parsed(model: type[M], tables: Mapping[str, object], path: Path, name: str) -> M:
    try:
        return model.model_validate(tables, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(explain(error, model, {}, name)) from None


def _check(suite: Suite) -> None:
    for name, count in Counter(each.name for each in suite.variants).items():
        if count > 1:
            raise ConfigError(f"{suite.path}: {count} variants are named {name!r}: rename one")
    for named in (suite.run.candidate, suite.run.baseline):
        if named is not None:
            suite.variant(named)
    if suite.run.baseline == suite.candidate.name:
        raise ConfigError(f"{suite.path}: [run] baseline: {suite.run.baseline!r} is the candidate")
