"""The attributes of spans and metrics, by OpenTelemetry's conventions for GenAI and our own.

None of them holds text of an item, a key, an address or what a provider said.
"""

from __future__ import annotations

from typing import TypeAlias

from kclassify.core.decision import Decision
from kclassify.core.price import NANODOLLARS
from kclassify.core.verdict import Usage
from kclassify.events import CallEnded, PassOpened

Attributes: TypeAlias = dict[str, str | bool | int | float]

OPERATION = "chat"
"""What every call is, a request in a batch too."""
HALT = "halt"
"""The type of an error that ends the run."""
CUT = "cut"
"""That of a call that was given up."""


def of_run(opened: PassOpened) -> Attributes:
    """Which run, and what it does."""
    return {"kclassify.run": opened.run, "kclassify.mode": opened.mode}


def of_model(model: str) -> Attributes:
    """Which model is asked: `anthropic/claude-haiku-4-5` names its provider, `local` is one."""
    provider, _, name = model.partition("/")
    return {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": name or provider,
    }


def of_usage(usage: Usage) -> Attributes:
    """Tokens of one call: those written to a cache and read from one are input tokens, too."""
    return {
        "gen_ai.usage.input_tokens": usage.all_input,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
    }


def of_error(call: CallEnded) -> Attributes:
    """What went wrong with a call, as one of few words; nothing for an answer."""
    if call.kind is None:
        return {"error.type": CUT if call.cut else HALT}
    return {"error.type": word(call.kind)} if call.kind.is_failure else {}


def word(value: str) -> str:
    """A value in one word, for those who filter by it."""
    return value.replace(" ", "_").replace("-", "_")


def decided(decision: Decision) -> str:
    """Which decision it is, without its reason: `done`, `snooze`, `halt`."""
    return type(decision).__name__.lower()


def dollars(nanodollars: int) -> float:
    """The amount in dollars."""
    return nanodollars / NANODOLLARS
