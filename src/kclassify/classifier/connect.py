"""Builds the instructor client of a provider: the only place that imports their libraries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies
from warnings import filterwarnings

from kclassify.classifier.certificates import tls_context
from kclassify.classifier.model import ANTHROPIC
from kclassify.classifier.noise import hush, hushed
from kclassify.classifier.prompt_cache import Cache
from kclassify.classifier.provider import InstructorProvider, on_trio
from kclassify.classifier.rate_limit_headers import listen_to
from kclassify.classifier.redaction import Redaction, secrets_among
from kclassify.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    import anthropic
    import httpx2
    import instructor

    from kclassify.classifier.model import ChosenModel
    from kclassify.classifier.reply import Reply

# Their servers enforce a JSON schema in `response_format`; Ollama ignores a forced tool.
_JSON_SCHEMA_PROVIDERS = frozenset({"openai", "azure_openai", "ollama"})
_MISSING = "package is required"
# A library with these is built on an HTTP client that runs under any event loop.
_EVERY_LOOP = ("max_retries", "base_url", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a provider is reached. What is None is the provider's library's to choose.

    `cache` is for providers that keep a prompt when they are asked to. Its own text has neither the
    key nor the URL, which may hold a password.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    max_tokens: int
    max_connections: int
    timeout_s: float
    cache: Cache = "off"


def connect(model: ChosenModel, reply_model: type[Reply], how: Connection) -> InstructorProvider:
    """The provider of a model, its library's retries off, for the event loop that runs here.

    Raises `UsageError` when there is no such provider, or its settings are of no use, and
    `MissingExtra` without its library.
    """
    build = _anthropic if model.provider == ANTHROPIC else _other
    hush()
    try:
        with hushed():
            provider = build(model, reply_model, how)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a provider's library raises ends here
        raise _unusable(error, model, how) from None
    listen_to(provider.client.client)
    hush(type(provider.client.client).__module__.partition(".")[0])
    return provider


def _unusable(error: Exception, model: ChosenModel, how: Connection) -> UsageError:
    is_missing = isinstance(error, ImportError) or _MISSING in str(error)
    reason = Redaction(secrets_among([how.api_key])).clean(str(error))
    wrong = MissingExtra if is_missing else UsageError
    return wrong(f"model {model.told}: {reason}")


def _anthropic(model: ChosenModel, reply_model: type[Reply], how: Connection) -> InstructorProvider:
    import instructor  # noqa: PLC0415

    # instructor's own JSON_SCHEMA mode would leave the schema to the prompt.
    http_client = _anthropic_http_client(how)
    library = _anthropic_library(how, http_client)
    client = instructor.from_anthropic(library, mode=instructor.Mode.JSON)
    schema = {"type": "json_schema", "schema": reply_model.model_json_schema()}
    arguments = {
        "model": model.name,
        "max_tokens": how.max_tokens,
        "output_config": {"format": schema},
    }
    prepared = _prepared(reply_model)
    return InstructorProvider(
        client,
        model.provider,
        prepared,
        arguments,
        takes_trio=True,
        cache=how.cache,
        http_client=http_client,
    )


def _anthropic_http_client(how: Connection) -> httpx2.AsyncClient:
    import anthropic  # noqa: PLC0415

    limits = type(anthropic.DEFAULT_CONNECTION_LIMITS)(
        max_connections=how.max_connections, max_keepalive_connections=how.max_connections
    )
    # Its own transport takes twice the processor time, and runs under trio, too.
    by_aiohttp = find_spec("aiohttp") is not None and not on_trio() and _is_for_aiohttp(how)
    client = anthropic.DefaultAioHttpClient if by_aiohttp else anthropic.DefaultAsyncHttpxClient
    # aiohttp would have it in pieces; a request of a megabyte is written in a millisecond.
    filterwarnings("ignore", "Sending a large body directly", ResourceWarning)
    return client(limits=limits, timeout=_timeout(how), verify=tls_context())


def _timeout(how: Connection) -> httpx2.Timeout:
    """Ends what cannot connect before its deadline does: what was never sent costs nothing."""
    import httpx2  # noqa: PLC0415

    return httpx2.Timeout(how.timeout_s, connect=how.timeout_s / 2)


def _is_for_aiohttp(how: Connection) -> bool:
    """Whether it gets there: it speaks no SOCKS, and sends no password of a URL beside headers."""
    has_password = "@" in (how.base_url or os.environ.get("ANTHROPIC_BASE_URL", ""))
    return not has_password and not any(url.startswith("socks") for url in getproxies().values())


def _anthropic_library(
    how: Connection, http_client: httpx2.AsyncClient
) -> anthropic.AsyncAnthropic:
    import anthropic  # noqa: PLC0415

    return anthropic.AsyncAnthropic(
        api_key=how.api_key,
        base_url=how.base_url,
        max_retries=0,
        timeout=_timeout(how),
        http_client=http_client,
    )


def _other(model: ChosenModel, reply_model: type[Reply], how: Connection) -> InstructorProvider:
    client = _from_provider(model, how)
    library: Any = client.client
    takes_trio = all(hasattr(library, name) for name in _EVERY_LOOP)
    if takes_trio:
        library.max_retries, library.timeout = 0, how.timeout_s
    if how.base_url is not None:
        _point_at(library, how.base_url, model)
    arguments = _arguments(model, reply_model, how)
    prepared = _prepared(reply_model)
    return InstructorProvider(client, model.provider, prepared, arguments, takes_trio=takes_trio)


def _from_provider(model: ChosenModel, how: Connection) -> instructor.AsyncInstructor:
    import instructor  # noqa: PLC0415

    json_schema = model.provider in _JSON_SCHEMA_PROVIDERS
    mode = instructor.Mode.JSON_SCHEMA if json_schema else instructor.Mode.TOOLS
    key: dict[str, Any] = {} if how.api_key is None else {"api_key": how.api_key}
    return instructor.from_provider(str(model), async_client=True, mode=mode, **key)


def _point_at(library: object, base_url: str, model: ChosenModel) -> None:
    if not hasattr(library, "base_url"):
        raise UsageError(f"model {model.told}: {model.provider} takes no base_url")
    setattr(library, "base_url", base_url)  # noqa: B010 - libraries agree on the name only


def _arguments(model: ChosenModel, reply_model: type[Reply], how: Connection) -> dict[str, Any]:
    if model.provider not in _JSON_SCHEMA_PROVIDERS:
        return {"max_tokens": how.max_tokens}
    # OpenAI itself wants the new name, and every server that speaks like it still takes the old.
    is_openai = model.provider != "ollama" and how.base_url is None
    limit = "max_completion_tokens" if is_openai else "max_tokens"
    schema = {"name": "Classification", "schema": reply_model.model_json_schema(), "strict": True}
    response_format = {"type": "json_schema", "json_schema": schema}
    # instructor does not ask for strictness; the body's own fields win over what it sets.
    return {limit: how.max_tokens, "extra_body": {"response_format": response_format}}


def _prepared(reply_model: type[Reply]) -> type[Reply]:
    """The model as instructor wants it: made once, not at every call."""
    import instructor  # noqa: PLC0415

    prepared: type[Reply] = instructor.openai_schema(reply_model)
    return prepared
