"""From what was looked at to tokens, nanodollars and seconds in each way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kclassify.classifier.model import ANTHROPIC, ChosenModel
from kclassify.classifier.prompt_cache import SHORTEST_S, lifetime_s
from kclassify.config import Settings
from kclassify.core.estimate import (
    Caching,
    Pace,
    Waves,
    Way,
    WayName,
    Work,
    batched,
    cached,
    cascade,
    is_cached,
    plain,
)
from kclassify.core.figure import NONE, Figure, exactly, mean_of
from kclassify.core.price import Price
from kclassify.core.spending import Spending
from kclassify.estimate.assumptions import LATENCY_S, typical_reply
from kclassify.estimate.history import History
from kclassify.estimate.look import Look
from kclassify.estimate.question import Question
from kclassify.estimate.second_model import SecondModel
from kclassify.estimate.tokens import Measured
from kclassify.estimate.worst import Worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is left of a run, and what that comes to in each way.

    `way` is the one that the settings choose. `is_cached` says whether the provider keeps the part
    that all requests share. `spent` is what the run has cost so far, `budget` what it may, in
    nanodollars; `worst` what one call may cost at most, where that is known. `reply_from` and
    `latency_from` say where those figures are from; None: nobody knows how long a call takes.
    """

    run: str
    source: str
    model: ChosenModel
    price: Price | None
    look: Look
    measured: Measured
    work: Work
    pace: Pace
    ways: tuple[Way, ...]
    way: WayName
    is_cached: bool
    second: SecondModel | None
    spent: Spending
    budget: int | None
    reply_from: str
    latency_from: str | None
    worst: Worst | None = None

    @property
    def chosen(self) -> Way:
        """The way that the settings choose."""
        return next(way for way in self.ways if way.name is self.way)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Everything that a figure is reckoned from, the items and the ledger's bill aside."""

    settings: Settings
    question: Question
    chosen: ChosenModel
    price: Price | None
    measured: Measured
    history: History
    second: SecondModel | None

    def of(self, look: Look, labels: Sequence[str], spent: Spending, source: str) -> Estimate:
        """The estimate; `labels` are those that a reply may have."""
        reply, reply_from = self._reply(labels)
        latency, latency_from = self._latency()
        work = self._work(look, reply)
        pace = self._pace(latency)
        return Estimate(
            run=self.settings.run.name,
            source=source,
            model=self.chosen,
            price=self.price,
            look=look,
            measured=self.measured,
            work=work,
            pace=pace,
            ways=self._ways(work, pace),
            way=self._way(),
            is_cached=is_cached(work, self.price),
            second=self.second,
            spent=spent,
            budget=self.settings.runner.budget,
            reply_from=reply_from,
            latency_from=latency_from,
        )

    def _work(self, look: Look, reply: Figure) -> Work:
        counts = [float(each) for each in self.measured.requests]
        known = round(look.texts.value)
        request = self.measured.within(mean_of(counts, known)) if counts else NONE
        return Work(
            texts=look.texts,
            request=request,
            prefix=self.measured.shared,
            reply=reply,
            asked=self.history.asked or exactly(1),
        )

    def _ways(self, work: Work, pace: Pace) -> tuple[Way, ...]:
        price, batch = self.price, self.settings.batch
        ways = [plain(work, price, pace)]
        if self.chosen.is_local:
            return tuple(ways)
        cache = self.settings.classifier.cache
        caching = Caching(seconds=lifetime_s(cache) or SHORTEST_S)
        ways.append(cached(work, price, pace, caching))
        if self.chosen.provider == ANTHROPIC:
            waves = Waves(requests=batch.requests * batch.in_flight)
            ways.append(batched(work, price, waves, None if cache == "off" else caching))
        if self.second is not None:
            prices = (price, self.second.price)
            ways.append(cascade(work, prices, self.second.share, pace, caching))
        return tuple(ways)

    def _way(self) -> WayName:
        classifier = self.settings.classifier
        if self.settings.cascade is not None:
            return WayName.CASCADE
        if classifier.transport == "batch":
            return WayName.BATCHED
        is_plain = classifier.cache == "off" or self.chosen.is_local
        return WayName.PLAIN if is_plain else WayName.CACHED

    def _pace(self, latency: Figure | None) -> Pace:
        runner = self.settings.runner
        return Pace(
            concurrency=runner.shared_concurrency or runner.max_concurrency * runner.shards,
            latency_s=latency,
            requests_per_minute=self.question.requests_per_minute,
            input_tokens_per_minute=self.question.input_tokens_per_minute,
        )

    def _reply(self, labels: Sequence[str]) -> tuple[Figure, str]:
        if self.question.output_tokens is not None:
            return exactly(self.question.output_tokens), "as you say"
        if self.chosen.is_local:
            return NONE, "it sends nothing"
        if self.history.reply is not None:
            return self.history.reply, f"{self.history.verdicts:,} verdicts in the ledger"
        return typical_reply(labels), "a typical reply: none is in the ledger"

    def _latency(self) -> tuple[Figure | None, str | None]:
        if self.question.latency_s is not None:
            return exactly(self.question.latency_s), "as you say"
        if self.history.seconds is not None:
            return exactly(self.history.seconds), "calls in the ledger"
        if self.chosen.is_local:
            return None, None
        return LATENCY_S, "assumed: --latency-s says it"
