"""Replies of a server, from plain to hostile, by name."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

from tests.classifier.both_paths import GOOD, message
from tests.classifier.canned import error_body, message_body
from tests.classifier.endpoints import Canned


def block(kind: str, **fields: object) -> dict[str, object]:
    return {"type": kind, **fields}


TEXT = block("text", text=GOOD)
THOUGHT = block("thinking", thinking='{"label": "quote", "confidence": 1}', signature="x")
TOOL = block("tool_use", id="t", name="Classification", input={"label": "quote", "confidence": 1})

TEXTS = {
    "plain": GOOD,
    "space around": f" \n\t{GOOD}\r\n",
    "no-break space": f"\u00a0{GOOD}",
    "byte order mark": f"\ufeff{GOOD}",
    "fenced": f"```json\n{GOOD}\n```",
    "in prose": f"Here you are: {GOOD}. Good luck {{}}!",
    "two objects": '{"label": "quote", "confidence": 1}\n' + GOOD,
    "two objects in a line": GOOD + '{"label": "quote", "confidence": 1}',
    "a list of it": f"[{GOOD}]",
    "within another": f'{{"Classification": {GOOD}}}',
    "within a text": '"playbook"',
    "a tab in the label": '{"label": "play\tbook", "confidence": 0.9}',
    "a zero byte": '{"label": "playbook\x00", "confidence": 0.9}',
    "a control character beside": '{"label": "playbook", "note": "\x01\n", "confidence": 0.9}',
    "the label twice": '{"label": "quote", "label": "playbook", "confidence": 0.9}',
    "the label twice, the last unknown": '{"label": "quote", "label": "x", "confidence": 0.9}',
    "the confidence twice": '{"label": "quote", "confidence": 0.1, "confidence": 0.9}',
    "escaped": '{"label": "\\u0070laybook", "confid\\u0065nce": 9e-1}',
    "half of a surrogate": '{"label": "\\ud800", "confidence": 0.9}',
    "half of a surrogate beside": '{"label": "quote", "confidence": 0.9, "x": "\\ud800"}',
    "another case": '{"label": "Playbook", "confidence": 0.9}',
    "space in the label": '{"label": " playbook", "confidence": 0.9}',
    "a retired label": '{"label": "convention", "confidence": 0.9}',
    "a label that is a number": '{"label": 1, "confidence": 0.9}',
    "a label that is a list": '{"label": ["quote"], "confidence": 0.9}',
    "null": '{"label": null, "confidence": 0.9}',
    "no label": '{"confidence": 0.9}',
    "no confidence": '{"label": "quote"}',
    "more fields": '{"label": "quote", "confidence": 0.9, "why": "x", "n": null}',
    "more fields, nested": '{"label": "quote", "confidence": 0.9, "why": {"label": "insight"}}',
    "a nested answer": f'{{"label": "quote", "confidence": 0.9, "why": {GOOD}}}',
    "trailing comma": '{"label": "quote", "confidence": 0.9,}',
    "single quotes": "{'label': 'quote', 'confidence': 0.9}",
    "cut": '{"label": "quote", "confid',
    "a comment": '{"label": "quote", /* why */ "confidence": 0.9}',
    "nothing": "",
    "space": " \n",
    "prose": "I'd say it is a playbook.",
    "long": '{"label": "quote", "confidence": 0.9, "why": "' + "x" * 200_000 + '"}',
    "longest": '{"label": "quote", "confidence": 0.9, "why": "' + "x" * 2**20 + '"}',
    "long before": " " * 20_000 + GOOD,
    "deep": '{"a":' * 3_000 + "1" + "}" * 3_000,
    "hardly too deep": '{"label": "quote", "confidence": 0.9, "a": ' + "[" * 130 + "]" * 130 + "}",
    "deep list": '{"label": "quote", "confidence": 0.9, "a": ' + "[" * 3_000 + "]" * 3_000 + "}",
    **{
        f"a confidence of {number[:20]}": f'{{"label": "quote", "confidence": {number}}}'
        for number in (
            *("0", "1", "-0.0", "1.0", "1.0000001", "-1e-9", "1e999", "NaN", "Infinity", "true"),
            *('"0.9"', '" 0.9 "', '"0_9"', '"NaN"', '""', "null", "[]", "00.5", ".5", "5e-1"),
            *("-Infinity", "1" * 400, "0." + "9" * 400, "0x1", '"\uff11"'),
        )
    },
}
USAGES: tuple[Any, ...] = (
    *(None, {}, "10", [], {"input_tokens": 10}),
    {"input_tokens": "10", "output_tokens": "3"},
    {"input_tokens": 10.0, "output_tokens": 3.5},
    {"input_tokens": True, "output_tokens": None},
    {"input_tokens": -10, "output_tokens": 3},
    {"input_tokens": 0, "output_tokens": 0},
    {"input_tokens": 10**25, "output_tokens": 3},
    {"input_tokens": 10, "output_tokens": 3, "prompt_tokens": 7},
    {"input_tokens": 0, "output_tokens": 3, "prompt_tokens": 7},
    {"input_tokens": 10, "output_tokens": 0, "completion_tokens": 7},
    {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": None},
    {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": 900},
    {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": -900},
    {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": "9"},
    {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"x": [1]}},
)
FIELDS: dict[str, dict[str, Any]] = {
    **{
        f"stopped by {reason}": {"stop_reason": reason}
        for reason in (
            *("stop_sequence", "max_tokens", "refusal", "pause_turn", "tool_use", "odd"),
            *("model_context_window_exceeded", None, ..., 1),
        )
    },
    "no blocks": {"content": []},
    "no content": {"content": ...},
    "content is null": {"content": None},
    "content is a text": {"content": GOOD},
    "two texts": {"content": [TEXT, block("text", text=GOOD.replace("0.9", "0.1"))]},
    "half a text each": {"content": [block("text", text=GOOD[:9]), block("text", text=GOOD[9:])]},
    "a thought before": {"content": [THOUGHT, TEXT]},
    "a thought after": {"content": [TEXT, THOUGHT]},
    "a thought alone": {"content": [THOUGHT]},
    "a hidden thought": {"content": [block("redacted_thinking", data="x"), TEXT]},
    "a tool": {"content": [TOOL], "stop_reason": "tool_use"},
    "a tool after": {"content": [TEXT, TOOL]},
    "a block of another kind": {"content": [block("odd", text=GOOD)]},
    "a text without one": {"content": [block("text")]},
    "a text of null": {"content": [block("text", text=None)]},
    "a block without a type": {"content": [{"text": GOOD}]},
    "citations": {"content": [{**TEXT, "citations": [block("odd")]}]},
    "no usage": {"usage": ...},
    **{f"usage {number}": {"usage": usage} for number, usage in enumerate(USAGES)},
    "no model": {"model": ...},
    "a model of null": {"model": None},
    "a model of nothing": {"model": ""},
    "a model that is a number": {"model": 5},
    "no identity": {"id": ..., "type": ..., "role": ...},
    "choices": {"choices": [{"finish_reason": "content_filter"}]},
    "a refusal among choices": {"choices": [{"message": {"refusal": "no"}}]},
    "candidates": {"candidates": [{"finish_reason": "SAFETY"}]},
    "an error": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
}
PLAIN = message()
LIMITS = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1m0s",
    "anthropic-ratelimit-tokens-limit": "100",
    "anthropic-ratelimit-tokens-remaining": "99",
    "anthropic-ratelimit-tokens-reset": "2001-01-01T00:00:00Z",
}


def coded(encoding: str, body: bytes) -> Canned:
    return Canned(body, headers={"content-encoding": encoding})


BODIES = {
    "a page": Canned(b"<h1>Sign in</h1>", kind="text/html"),
    "a page, said to be JSON": Canned(b"<h1>Sign in</h1>"),
    "empty": Canned(b""),
    "empty, said to be a text": Canned(b"", kind="text/plain"),
    "cut JSON": Canned(PLAIN.body[:60]),
    "a list": Canned(b"[]"),
    "a text": Canned(b'"hello"'),
    "JSON null": Canned(b"null"),
    "a number": Canned(b"NaN"),
    "the usage twice": Canned(PLAIN.body[:-1] + b', "usage": {"input_tokens": 4}}'),
    "the model twice": Canned(PLAIN.body[:-1] + b', "model": "another"}'),
    "said to be a text": Canned(PLAIN.body, kind="text/plain"),
    "said to be nothing": Canned(PLAIN.body, kind=""),
    "said to be JSON in capitals": Canned(PLAIN.body, kind="APPLICATION/JSON"),
    "JSON of a kind": Canned(PLAIN.body, kind="application/vnd.api+json; charset=utf-8"),
    "a space before the parameter": Canned(PLAIN.body, kind="application/json ; x=y"),
    "another charset": Canned(PLAIN.body, kind="application/json; charset=latin-1"),
    "UTF-16": Canned(PLAIN.body.decode().encode("utf-16")),
    "byte order mark": Canned(b"\xef\xbb\xbf" + PLAIN.body),
    "no UTF-8": Canned(PLAIN.body.replace(b"msg_1", b"msg_\xff")),
    "half of a surrogate": Canned(PLAIN.body.replace(b"msg_1", rb"\ud800")),
    "a control character": Canned(PLAIN.body.replace(b"msg_1", b"msg\x01")),
    "zipped": coded("gzip", gzip.compress(PLAIN.body)),
    "zipped, in capitals": coded("GZIP", gzip.compress(PLAIN.body)),
    "deflated": coded("deflate", zlib.compress(PLAIN.body)),
    "zipped twice": coded("gzip, gzip", gzip.compress(gzip.compress(PLAIN.body))),
    "zipped, not plain": coded("gzip", gzip.compress(message("no").body)),
    "said to be zipped": coded("gzip", PLAIN.body),
    "zipped and cut": coded("gzip", gzip.compress(PLAIN.body)[:-9]),
    "an unknown encoding": coded("odd", PLAIN.body),
    "less than was promised": Canned(PLAIN.body, kept_back=10),
    "created": Canned(PLAIN.body, 201),
    "accepted": Canned(PLAIN.body, 202),
    "no content": Canned(b"", 204),
    "a redirect to nowhere": Canned(b"", 307),
    "limits": Canned(PLAIN.body, headers=LIMITS),
    "limits of an answer that is not plain": Canned(message("no").body, headers=LIMITS),
    "limits of a failure": Canned(PLAIN.body, 529, headers={**LIMITS, "retry-after": "7"}),
    "a page of a proxy": Canned(b"<h1>Bad gateway</h1>", 502, "text/html"),
    "an error of an unknown status": Canned.of(error_body("odd", "what"), 418),
    "a request that is too long": Canned.of(error_body("request_too_large", "long"), 400),
    "a retry that is absurd": Canned(b"", 503, headers={"retry-after": "1e9"}),
    "a message with a status of failure": Canned.of(message_body(GOOD), 500),
}
REPLIES = {
    **{f"text: {name}": message(text) for name, text in TEXTS.items()},
    **{f"field: {name}": message(**fields) for name, fields in FIELDS.items()},
}
