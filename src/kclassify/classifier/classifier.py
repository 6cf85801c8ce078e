"""Asks a language model for the category of an item."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import anyio
import anyio.lowlevel

from kclassify.classifier.answer import Answer, Failure
from kclassify.classifier.call import Call
from kclassify.classifier.connect import Connection, connect
from kclassify.classifier.mapping import settle_answer, settle_failure
from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.classifier.redaction import Redaction, secrets_among
from kclassify.classifier.reply import reply_model, schema_text
from kclassify.core.decision import Halt
from kclassify.core.item import Item, digest_of
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict
from kclassify.errors import ClassifierHalted, ConfigError, NoVerdict
from kclassify.prompt import DEFAULT_INSTRUCTIONS, MAX_BODY_CHARS, Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from kclassify.classifier.provider import Provider
    from kclassify.classifier.reply import Reply
    from kclassify.core.taxonomy import Taxonomy

L = TypeVar("L", bound=str)
_CLOSED = object()


class Classifier(Generic[L]):
    """A language model that puts items on a taxonomy. An asynchronous context manager.

    Args:
        taxonomy: the labels; `Taxonomy.of(Topic, ...)` makes this a `Classifier[Topic]`.
        model: `provider/model` as instructor spells it, a bare name being Anthropic's. Without one,
            the environment decides, as `choose_model` says.
        instructions: what the model is told before the categories.
        max_body_chars: characters of a body that are shown; a longer one is cut at a boundary.
        may_abstain: whether the model may say that no category fits.
        max_tokens: of one reply.
        timeout_s: seconds of wall clock for one item, a second question included.
        api_key, base_url: as the provider's own library takes them from its environment if None.
        max_connections: at once; at least the number of concurrent calls.

    Raises `UsageError` for a model that cannot be asked and for settings out of range.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own, and all are keywords
        self,
        taxonomy: Taxonomy[L],
        *,
        model: str | ChosenModel | None = None,
        instructions: str = DEFAULT_INSTRUCTIONS,
        max_body_chars: int = MAX_BODY_CHARS,
        may_abstain: bool = False,
        max_tokens: int = 1024,
        timeout_s: float = 30.0,
        api_key: str | None = None,
        base_url: str | None = None,
        max_connections: int = 1000,
    ) -> None:
        _check_positive(max_tokens=max_tokens, timeout_s=timeout_s, max_connections=max_connections)
        self._taxonomy = taxonomy
        self._model = _language_model(model)
        self._prompt = Prompt(
            taxonomy,
            instructions=instructions,
            max_body_chars=max_body_chars,
            may_abstain=may_abstain,
        )
        self._timeout_s = timeout_s
        replies = reply_model(taxonomy, may_abstain=may_abstain)
        self._parts = _parts(self._prompt, self._model, replies, max_tokens)
        how = Connection(
            api_key=api_key,
            base_url=base_url,
            max_tokens=max_tokens,
            max_connections=max_connections,
            timeout_s=timeout_s,
        )
        self._connect = partial(connect, self._model, replies, how)
        self._provider: Provider = self._connect()
        self._event_loop: object = None
        self._redaction = Redaction(secrets_among([api_key, *self._provider.secrets]))

    @property
    def taxonomy(self) -> Taxonomy[L]:
        """The labels it chooses from."""
        return self._taxonomy

    @property
    def model(self) -> str:
        """The provider and the model that are asked: `anthropic/claude-haiku-4-5`."""
        return str(self._model)

    @property
    def fingerprint(self) -> str:
        """A digest of taxonomy, prompt, model, parameters and output schema."""
        return digest_of(*self._parts.values())

    @property
    def fingerprint_parts(self) -> Mapping[str, str]:
        """What the fingerprint is a digest of: names where there are any, else digests."""
        return self._parts

    async def classify(self, body: str, title: str | None = None) -> Verdict[L]:
        """The verdict on a text.

        Raises `ClassifierHalted` when no text would get one, saying what to mend, and `NoVerdict`,
        whose `kind` is the outcome's name, when this text got none.
        """
        outcome = await self.judge(Item(key="", body=body, title=title))
        if isinstance(outcome, Halt):
            raise ClassifierHalted("halt", outcome.reason)
        if outcome.verdict is None:
            raise NoVerdict(outcome.kind, outcome.detail)
        return outcome.verdict

    async def judge(self, item: Item) -> Outcome[L] | Halt:
        """What happened to the item, or why no item can be judged.

        Asks at most twice, the second time when the first reply could not be used. `timeout_s`
        bounds both together. Nothing that a provider's library raises gets out.
        """
        if item.is_empty:
            return Outcome(OutcomeKind.EMPTY, detail="the body is empty")
        redaction = replace(self._redaction, texts=(item.title or "", item.body))
        call = Call(self._provider_here(), self._prompt.render(item), redaction)
        with anyio.move_on_after(self._timeout_s):
            return self._settle(await call.make(), call)
        return call.spent.outcome(OutcomeKind.TIMED_OUT, f"no answer in {self._timeout_s:g} s")

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        await self._provider.aclose()
        self._event_loop = _CLOSED

    def _provider_here(self) -> Provider:
        """Connections belong to the event loop in which they were opened: another has its own."""
        here = anyio.lowlevel.current_token()
        if self._event_loop not in (None, here):
            self._provider = self._connect()
        self._event_loop = here
        return self._provider

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _settle(self, result: Answer | Failure, call: Call) -> Outcome[L] | Halt:
        outcome = self._outcome(result, call)
        if isinstance(outcome, Halt):
            return outcome
        return replace(outcome, rate_limits=result.rate_limits)

    def _outcome(self, result: Answer | Failure, call: Call) -> Outcome[L] | Halt:
        if isinstance(result, Failure):
            return settle_failure(result, self._model, call.spent)
        named = replace(result, model=result.model or self._model.name)
        return settle_answer(named, self._taxonomy, call.spent)


def _language_model(model: str | ChosenModel | None) -> ChosenModel:
    chosen = model if isinstance(model, ChosenModel) else choose_model(model)
    if chosen.is_local:
        raise ConfigError("model 'local' is the embedded classifier: use LocalClassifier")
    return chosen


def _parts(
    prompt: Prompt, model: ChosenModel, replies: type[Reply], max_tokens: int
) -> Mapping[str, str]:
    may_abstain = prompt.may_abstain
    return MappingProxyType(
        {
            "taxonomy": prompt.taxonomy.digest,
            "prompt": prompt.digest,
            "model": str(model),
            "parameters": f"{max_tokens=} max_body_chars={prompt.max_body_chars} {may_abstain=}",
            "schema": digest_of(schema_text(replies)),
        }
    )


def _check_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not value > 0:
            raise ConfigError(f"{name} is more than 0, not {value}")
