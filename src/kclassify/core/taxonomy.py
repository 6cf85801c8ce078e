"""The labels, each with a definition; retired ones may be read and are never offered."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kclassify.core.item import digest_of
from kclassify.errors import TaxonomyError

L_co = TypeVar("L_co", bound=str, covariant=True)
E = TypeVar("E", bound=StrEnum)

FEWEST_ACTIVE = 2
"""A choice needs two categories."""


class Category(BaseModel):
    """One label. A retired category may be read as a current label; it is never proposed.

    A retired one may have any name, also an empty one: old tables hold such labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    definition: str = ""
    choose_when: tuple[str, ...] = ()
    not_when: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    retired: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    tie_breakers: tuple[str, ...] = ()
    category: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Taxonomy(Generic[L_co]):
    """A named set of categories.

    `Taxonomy.of(Topic, definitions=...)` gives a `Taxonomy[Topic]`; `Taxonomy.from_toml` gives a
    `Taxonomy[str]`. Raises `TaxonomyError`, which names the category at fault, unless there are at
    least two active categories, each with a definition, and no name twice.
    """

    name: str
    categories: tuple[Category, ...]
    tie_breakers: tuple[str, ...] = ()
    label_type: type[str] = field(default=str, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check(self.name, self.tie_breakers, self.categories)

    @classmethod
    def of(
        cls,
        labels: type[E],
        *,
        definitions: Mapping[E, str | Category],
        retired: Iterable[E | str] = (),
        tie_breakers: Iterable[str] = (),
        name: str | None = None,
    ) -> Taxonomy[E]:
        """A taxonomy whose labels are the members of a `StrEnum`.

        A definition is a text, or a `Category` when there are discriminators or examples to give.
        """
        gone = {str(label) for label in retired}
        known = {str(label): value for label, value in definitions.items()}
        members = [str(label) for label in labels]
        stray = sorted(known.keys() - set(members))
        if stray:
            raise TaxonomyError(
                f"category {stray[0]!r} has a definition but is no member of {labels.__name__}"
            )
        every = [*members, *sorted(gone - set(members))]
        named = tuple(_category(label, known.get(label, ""), label in gone) for label in every)
        chosen = labels.__name__ if name is None else name
        made = Taxonomy[str](chosen, named, tuple(tie_breakers), labels)
        return cast("Taxonomy[E]", made)

    @classmethod
    def from_toml(cls, text: str) -> Taxonomy[str]:
        """The taxonomy that a `taxonomy.toml` holds. Raises `TaxonomyError`."""
        try:
            content = _File.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise TaxonomyError(f"not TOML: {error}") from None
        except ValidationError as error:
            raise TaxonomyError(_first(error)) from None
        categories = tuple(
            _parse(number, entry) for number, entry in enumerate(content.category, 1)
        )
        return Taxonomy(content.name, categories, content.tie_breakers)

    @cached_property
    def active(self) -> tuple[Category, ...]:
        """The categories that may be proposed, in their order."""
        return tuple(category for category in self.categories if not category.retired)

    @cached_property
    def labels(self) -> tuple[L_co, ...]:
        """The labels that may be proposed, in their order."""
        return tuple(self._by_name.values())

    @cached_property
    def known(self) -> frozenset[str]:
        """Every label that may be read, retired ones included."""
        return frozenset(category.name for category in self.categories)

    def label(self, name: str) -> L_co:
        """The label of this name. Raises `ValueError` when no active category has it."""
        found = self._by_name.get(name)
        if found is None:
            raise ValueError(f"{name!r} is not an active category of {self.name}")
        return found

    @cached_property
    def _by_name(self) -> dict[str, L_co]:
        names = [category.name for category in self.active]
        return {name: cast("L_co", self.label_type(name)) for name in names}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that can change a verdict or what may be read."""
        rules = [str(len(self.tie_breakers)), *self.tie_breakers]
        # Defaults left out: a field that Category gains later leaves the digests there are alone.
        return digest_of(
            self.name, *rules, *(c.model_dump_json(exclude_defaults=True) for c in self.categories)
        )

    @cached_property
    def prompt_fragment(self) -> str:
        """The categories and tie-breakers as text, for an application's own prompts to share."""
        blocks = [_fragment(category) for category in self.active]
        if self.tie_breakers:
            rules = "\n".join(f"- {rule}" for rule in self.tie_breakers)
            blocks.append(f"When two categories fit:\n{rules}")
        return "\n\n".join(blocks)

    def diff(self, other: Taxonomy[str]) -> TaxonomyDiff:
        """What changes from this taxonomy to `other`: nothing exactly when the digests agree."""
        ours = {category.name: category for category in self.categories}
        theirs = {category.name: category for category in other.categories}
        both = [name for name in ours if name in theirs]
        return TaxonomyDiff(
            renamed=self.name != other.name,
            reordered=both != [name for name in theirs if name in ours],
            added=tuple(name for name in theirs if name not in ours),
            removed=tuple(name for name in ours if name not in theirs),
            retired=tuple(n for n in both if theirs[n].retired and not ours[n].retired),
            revived=tuple(n for n in both if ours[n].retired and not theirs[n].retired),
            reworded=tuple(n for n in both if _words(ours[n]) != _words(theirs[n])),
            tie_breakers_changed=self.tie_breakers != other.tie_breakers,
        )


@dataclass(frozen=True, slots=True)
class TaxonomyDiff:
    """The names of the categories that differ between two taxonomies, by how they differ.

    `renamed` is about the taxonomy's own name, `reordered` about the categories that both have.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    revived: tuple[str, ...] = ()
    reworded: tuple[str, ...] = ()
    tie_breakers_changed: bool = False
    renamed: bool = False
    reordered: bool = False

    def __bool__(self) -> bool:
        return self != TaxonomyDiff()


def _words(category: Category) -> Category:
    return category.model_copy(update={"retired": False})


def _category(name: str, given: str | Category, retired: bool) -> Category:  # noqa: FBT001
    if isinstance(given, Category):
        if given.name != name:
            raise TaxonomyError(f"category {name!r} is defined by a category named {given.name!r}")
        return given.model_copy(update={"retired": given.retired or retired})
    return _parse(name, {"name": name, "definition": given, "retired": retired})


def _parse(label: str | int, entry: dict[str, Any]) -> Category:
    try:
        return Category.model_validate(entry)
    except ValidationError as error:
        named = repr(label) if isinstance(label, str) else _entry_name(label, entry)
        raise TaxonomyError(f"category {named}: {_first(error)}") from None


def _entry_name(number: int, entry: dict[str, Any]) -> str:
    return repr(entry["name"]) if entry.get("name") else f"number {number}"


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in detail["loc"])
    reason = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
    return f"{where}: {reason}"


def _fragment(category: Category) -> str:
    lines = [f"{category.name}: {category.definition}"]
    lines += [f"  choose it when {reason}" for reason in category.choose_when]
    lines += [f"  not when {reason}" for reason in category.not_when]
    lines += [f"  example: {example}" for example in category.examples]
    return "\n".join(lines)


def _check(name: str, tie_breakers: tuple[str, ...], categories: tuple[Category, ...]) -> None:
    if not name.strip():
        raise TaxonomyError("a taxonomy needs a name")
    if not all(rule.strip() for rule in tie_breakers):
        raise TaxonomyError(f"taxonomy {name!r}: one of its tie-breakers is empty")
    for label, count in Counter(category.name for category in categories).items():
        if count > 1:
            raise TaxonomyError(f"taxonomy {name!r}: category {label!r} is there {count} times")
    for category in categories:
        problem = _problem(category)
        if problem:
            raise TaxonomyError(f"taxonomy {name!r}: category {category.name!r}: {problem}")
    active = [category.name for category in categories if not category.retired]
    if len(active) < FEWEST_ACTIVE:
        only = f"only {active[0]!r}" if active else "none"
        raise TaxonomyError(
            f"taxonomy {name!r}: at least two active categories are needed, there is {only}"
        )


def _problem(category: Category) -> str:
    texts = {
        "choose_when": category.choose_when,
        "not_when": category.not_when,
        "examples": category.examples,
    }
    is_plain = category.name == category.name.strip() and category.name.isprintable()
    if not category.retired and not (category.name and is_plain):
        return "a name has no surrounding white space, no line break and nothing unprintable"
    if category.retired and category.examples:
        return "it is retired, so it cannot have examples: drop them or the `retired = true`"
    if not category.retired and not category.definition.strip():
        return "it needs a definition (only a retired category goes without)"
    empty = [field for field, entries in texts.items() if not all(e.strip() for e in entries)]
    return f"an entry of {empty[0]} is empty" if empty else ""
