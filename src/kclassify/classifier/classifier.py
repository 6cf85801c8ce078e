"""Asks a language model for the category of an item."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

import anyio

from kclassify.classifier.answer import Answer, Failure
from kclassify.classifier.arguments import batch_limits, check_positive, language_model
from kclassify.classifier.call import Call
from kclassify.classifier.connect import Connection, connect
from kclassify.classifier.fingerprint import fingerprint_parts
from kclassify.classifier.hot_path import HotPath
from kclassify.classifier.mapping import settle_answer, settle_failure
from kclassify.classifier.meter import Meter, meter_of
from kclassify.classifier.model import ANTHROPIC, ChosenModel
from kclassify.classifier.per_loop import PerLoop
from kclassify.classifier.prices import price_of
from kclassify.classifier.prompt_cache import Cache
from kclassify.classifier.provider import on_trio
from kclassify.classifier.redaction import Redaction, secrets_among
from kclassify.classifier.reply import reply_model
from kclassify.classifier.request_body import RequestBodies
from kclassify.classifier.shared_prompt import SharedPrompt, shared_text
from kclassify.core.batch import BatchLimits
from kclassify.core.decision import Halt
from kclassify.core.item import Item, digest_of
from kclassify.core.verdict import Outcome, OutcomeKind, Verdict
from kclassify.errors import ClassifierHalted, NoVerdict
from kclassify.prompt import DEFAULT_INSTRUCTIONS, MAX_BODY_CHARS, Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from kclassify.classifier.counting import TokenCounter
    from kclassify.classifier.provider import InstructorProvider, Provider
    from kclassify.core.price import Price
    from kclassify.core.taxonomy import Taxonomy
    from kclassify.ports import Batches

L = TypeVar("L", bound=str)


async def _close(asked: Provider) -> None:
    await asked.by_instructor.aclose()


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
        price: of the model; the built-in one if None, where there is one.
        cache: how long Anthropic keeps the part of the prompt that all items share.
        transport: `batch` has a runner ask in batches of Anthropic, for half the price within a
            day; `judge` and `classify` ask directly all the same.
        batch: how large a batch gets, and how many are in flight.

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
        price: Price | None = None,
        cache: Cache = "5m",
        transport: Literal["direct", "batch"] = "direct",
        batch: BatchLimits | None = None,
    ) -> None:
        check_positive(max_tokens=max_tokens, timeout_s=timeout_s, max_connections=max_connections)
        self._taxonomy = taxonomy
        self._model = language_model(model)
        self._price = price or price_of(self._model)
        self._cache: Cache = cache if self._model.provider == ANTHROPIC else "off"
        self._batch = batch_limits(self._model, batch) if transport == "batch" else None
        self._prompt = Prompt(
            taxonomy,
            instructions=instructions,
            max_body_chars=max_body_chars,
            may_abstain=may_abstain,
        )
        self._max_tokens, self._timeout_s = max_tokens, timeout_s
        replies = reply_model(taxonomy, may_abstain=may_abstain)
        self._parts = fingerprint_parts(self._prompt, self._model, replies, max_tokens)
        how = Connection(
            api_key=api_key,
            base_url=base_url,
            max_tokens=max_tokens,
            max_connections=max_connections,
            timeout_s=timeout_s,
            cache=self._cache,
        )
        self._connect = partial(connect, self._model, replies, how)
        self._redaction = Redaction(secrets_among([api_key]))
        self._provider = self._connected()
        self._unused = {on_trio(): self._provider}
        self._asking = PerLoop(self._connected_to_ask, _close)

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

    def worst_case(self, item: Item) -> int | None:
        """The most nanodollars that judging this item can cost, both questions of it.

        None where no price is known.
        """
        if item.is_empty:
            return self._meter.nothing
        return self._meter.worst_of_both(self._prompt.render(item).user)

    @property
    def warms_cache(self) -> float | None:
        """For how many seconds the provider keeps what all items share after a call.

        None where it keeps nothing: it is too short, or nobody asks for that.
        """
        return self._shared.warms_cache

    @property
    def advice(self) -> tuple[str, ...]:
        """That what all items share is too short to be cached, in one line with figures."""
        return self._shared.advice

    @property
    def batches(self) -> Batches | None:
        """Who takes the batches; None where each item is a call of its own."""
        return self._batches

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
            cost = self._meter.nothing
            return Outcome(OutcomeKind.EMPTY, detail="the body is empty", cost=cost)
        asked = self._asked()
        redaction = Redaction(self._redaction.secrets, (item.title or "", item.body))
        call = Call(asked, self._prompt.render(item), redaction, self._meter)
        with anyio.move_on_after(self._timeout_s):
            return self._settle(await call.make(), call)
        return call.spent.outcome(OutcomeKind.TIMED_OUT, f"no answer in {self._timeout_s:g} s")

    async def aclose(self) -> None:
        """Let go of connections; a later call opens new ones."""
        await self._asking.aclose()

    @cached_property
    def _meter(self) -> Meter:
        one_hour = self._cache == "1h"
        return meter_of(
            self._price, self._provider, self._prompt, self._max_tokens, one_hour=one_hour
        )

    @cached_property
    def _shared(self) -> SharedPrompt:
        text = shared_text(self._provider, self._prompt)
        return SharedPrompt(
            text, self._model, self._price, self._cache, in_batches=self._batch is not None
        )

    @cached_property
    def _batches(self) -> Batches | None:
        if self._batch is None:
            return None
        from kclassify.classifier.batches import AnthropicBatches  # noqa: PLC0415

        return AnthropicBatches(
            provider=self._provider,
            connected=self._provider_here,
            model=self._model,
            prompt=self._prompt,
            redaction=self._redaction,
            limits=self._batch,
            price=self._price,
            one_hour=self._cache == "1h",
            timeout_s=self._timeout_s,
        )

    @property
    def token_counter(self) -> TokenCounter | None:
        """Who counts the tokens of requests; None where the provider has no endpoint for that."""
        if self._model.provider != ANTHROPIC:
            return None
        from kclassify.classifier.counting import TokenCounter  # noqa: PLC0415

        return TokenCounter(
            provider=self._provider,
            connected=self._provider_here,
            model=self._model,
            prompt=self._prompt,
            redaction=self._redaction,
            timeout_s=self._timeout_s,
        )

    def _asked(self) -> Provider:
        """Who is asked about an item, over connections of the event loop that runs here."""
        return self._asking.here()

    def _provider_here(self) -> InstructorProvider:
        return self._asking.here().by_instructor

    def _connected_to_ask(self) -> Provider:
        provider = self._unused.pop(on_trio(), None) or self._connected()
        return HotPath(provider, self._bodies) if self._model.provider == ANTHROPIC else provider

    def _connected(self) -> InstructorProvider:
        """For the kind of event loop that runs here, with the keys of this moment, never shown."""
        provider = self._connect()
        secrets = secrets_among([*self._redaction.secrets, *provider.secrets])
        self._redaction = Redaction(secrets)
        return provider

    @cached_property
    def _bodies(self) -> RequestBodies:
        return RequestBodies(self._provider, self._prompt)

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
        if isinstance(result, Answer):
            named = result if result.model else replace(result, model=self._model.name)
            outcome = settle_answer(named, self._taxonomy, call.spent)
        else:
            failed = settle_failure(result, self._model, call.spent)
            if isinstance(failed, Halt):
                return failed
            outcome = failed
        is_told = outcome.rate_limits == result.rate_limits
        return outcome if is_told else replace(outcome, rate_limits=result.rate_limits)
