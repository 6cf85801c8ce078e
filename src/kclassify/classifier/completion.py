"""Reads what a provider returned into an `Answer`, whichever library's shape it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kclassify.classifier.answer import Answer, Stop
from kclassify.classifier.reply import problem_of
from kclassify.core.verdict import Usage

if TYPE_CHECKING:
    from kclassify.classifier.reply import Reply

_SHAPES = ("content", "choices", "candidates", "output", "message")
_STOPS = {
    "refusal": Stop.REFUSED,
    "content_filter": Stop.REFUSED,
    "safety": Stop.REFUSED,
    "prohibited_content": Stop.REFUSED,
    "guardrail_intervened": Stop.REFUSED,
    "max_tokens": Stop.TRUNCATED,
    "length": Stop.TRUNCATED,
    "model_context_window_exceeded": Stop.CONTEXT_FULL,
}


def read_completion(
    completion: object, reply: Reply | None, error: BaseException | None
) -> Answer | None:
    """The answer in a completion, or None when it is no completion at all (a proxy's page, say)."""
    if not any(getattr(completion, name, None) is not None for name in _SHAPES):
        return None
    return Answer(
        stop=_stop(completion),
        label=reply.label if reply else None,
        confidence=reply.confidence if reply else 0.0,
        problem="" if reply else problem_of(error),
        model=str(getattr(completion, "model", None) or ""),
        usage=_usage(getattr(completion, "usage", None)),
    )


def _stop(completion: object) -> Stop:
    choice = _first(getattr(completion, "choices", None) or getattr(completion, "candidates", None))
    if getattr(getattr(choice, "message", None), "refusal", None):
        return Stop.REFUSED
    reasons = (getattr(completion, "stop_reason", None), getattr(choice, "finish_reason", None))
    named = (str(getattr(reason, "name", reason)).lower() for reason in reasons if reason)
    return next((_STOPS[name] for name in named if name in _STOPS), Stop.ENDED)


def _first(entries: object) -> object:
    return cast("list[object]", entries)[0] if isinstance(entries, list) and entries else None


def _usage(usage: object) -> Usage:
    if _count(usage, "prompt_tokens"):
        return _openai_usage(usage)
    return Usage(
        _count(usage, "input_tokens"),
        _count(usage, "output_tokens") or _count(usage, "completion_tokens"),
        _count(usage, "cache_creation_input_tokens"),
        _count(usage, "cache_read_input_tokens"),
    )


def _openai_usage(usage: object) -> Usage:
    """OpenAI's count of the prompt includes what went into the cache and came from it."""
    details = getattr(usage, "prompt_tokens_details", None)
    written, read = _count(details, "cache_write_tokens"), _count(details, "cached_tokens")
    rest = max(0, _count(usage, "prompt_tokens") - written - read)
    output = _count(usage, "output_tokens") or _count(usage, "completion_tokens")
    return Usage(_count(usage, "input_tokens") or rest, output, written, read)


def _count(usage: object, name: str) -> int:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value > 0 else 0
