"""What a model would send back: pure functions from a request to the body of its answer."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
_PLAIN = "left"
_BY_TYPE: Json = {"string": _PLAIN, "number": 0.9, "integer": 1, "boolean": True, "null": None}


def answer(path: str, request: Json) -> Json:
    """The answer to a request to Anthropic's Messages API, or to the completions before it."""
    if path.endswith("/complete"):
        return {"completion": f" {_PLAIN}", "stop_reason": "stop_sequence", "model": "claude-v1"}
    content, reason = _content(request)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [content],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 300, "output_tokens": 20},
    }


def filled(schema: Json, definitions: Json | None = None) -> Any:  # noqa: ANN401 - any JSON
    """A value that a JSON schema allows: the first of each choice."""
    known = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return filled(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], known)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: filled(one, known) for name, one in properties.items()}
    if schema.get("type") == "array":
        return [filled(schema["items"], known)]
    return schema.get("const", _BY_TYPE[schema.get("type", "string")])


def _content(request: Json) -> tuple[Json, str]:
    if request.get("tools"):
        tool = request["tools"][0]
        given = filled(tool["input_schema"])
        return {
            "type": "tool_use",
            "id": "toolu_1",
            "name": tool["name"],
            "input": given,
        }, "tool_use"
    # The second is the name that the first had while it was a beta.
    wanted = request.get("output_config", {}).get("format") or request.get("output_format")
    text = json.dumps(filled(wanted["schema"])) if wanted else _PLAIN
    return {"type": "text", "text": text}, "end_turn"
