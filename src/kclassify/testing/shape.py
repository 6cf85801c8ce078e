"""The JSON object that a request wants, read from its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EMPTY: Mapping[str, object] = {"string": "", "boolean": False, "array": [], "object": {}}
_DECODER = json.JSONDecoder()
_NUMBERS = frozenset({"number", "integer"})


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """The properties of an answer, and the labels that its schema allows."""

    labels: tuple[str, ...] = ()
    label_name: str = "label"
    confidence_name: str = "confidence"
    others: Mapping[str, object] = field(default_factory=dict[str, object])

    def fill(self, label: str, confidence: float) -> dict[str, object]:
        """An answer with these values; what else the schema requires is there and empty."""
        return {self.label_name: label, self.confidence_name: confidence, **self.others}


class _Node(BaseModel):
    """The parts of a JSON schema that matter here."""

    enum: list[Any] | None = None
    const: Any = None
    type: str | list[str] | None = None
    ref: str | None = Field(None, alias="$ref")
    any_of: list[_Node] = Field([], alias="anyOf")
    all_of: list[_Node] = Field([], alias="allOf")
    properties: dict[str, _Node] = {}
    required: list[str] = []
    definitions: dict[str, _Node] = Field({}, alias="$defs")

    def types(self) -> frozenset[str]:
        named = [self.type] if isinstance(self.type, str) else self.type
        return frozenset(named or ())

    def values(self) -> tuple[str, ...]:
        values = self.enum if self.enum is not None else [self.const]
        return tuple(value for value in values if isinstance(value, str))


def shape_of(schema: Mapping[str, Any]) -> AnswerShape:
    """The shape that a JSON schema asks for: its enum is the label, its number the confidence."""
    return _shape_of(json.dumps(schema))


@lru_cache(maxsize=256)
def _shape_of(schema: str) -> AnswerShape:
    root = _Node.model_validate_json(schema)
    kinds = {name: list(_expand(node, root)) for name, node in root.properties.items()}
    labels = {name: _labels(nodes) for name, nodes in kinds.items()}
    label_name = next((name for name, values in labels.items() if values), "label")
    confidence_name = next((name for name in kinds if _is_number(kinds[name])), "confidence")
    rest = [name for name in root.required if name not in {label_name, confidence_name}]
    others = {name: _empty(kinds.get(name, [])) for name in rest}
    return AnswerShape(labels.get(label_name, ()), label_name, confidence_name, others)


def _expand(node: _Node, root: _Node, depth: int = 8) -> Iterator[_Node]:
    yield node
    parts = [*node.any_of, *node.all_of]
    target = root.definitions.get(node.ref.rpartition("/")[2]) if node.ref else None
    if target is not None:
        parts.append(target)
    for part in parts if depth else ():
        yield from _expand(part, root, depth - 1)


def _labels(nodes: list[_Node]) -> tuple[str, ...]:
    return next((values for node in nodes if (values := node.values())), ())


def _is_number(nodes: list[_Node]) -> bool:
    return any(node.types() & _NUMBERS for node in nodes)


def _empty(nodes: list[_Node]) -> object:
    named = (kind for node in nodes for kind in sorted(node.types()) if kind in _EMPTY)
    return next((_EMPTY[kind] for kind in named), None)


def shape_in(text: str) -> AnswerShape:
    """The shape of the first JSON schema written out in a prompt, or the default shape.

    A client that cannot send a schema apart (plain JSON mode) puts it into its instructions.
    """
    start = text.find("{")
    while start != -1:
        found = _object_at(text, start)
        if "properties" in found:
            return shape_of(found)
        start = text.find("{", start + 1)
    return AnswerShape()


def _object_at(text: str, start: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _DECODER.raw_decode(text, start)[0]
    except ValueError:
        return {}
    return found
