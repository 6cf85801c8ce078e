"""The metrics of a run: OpenTelemetry's for GenAI clients, and our own."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.metrics import Meter

from kclassify.core.spending import Charge
from kclassify.core.verdict import Usage
from kclassify.events import BatchChanged, CallEnded, Checkpointed
from kclassify.telemetry.attributes import Attributes, dollars, of_error, word

# As the conventions advise.
_TOKEN_BUCKETS = [4.0**power for power in range(14)]
_SECOND_BUCKETS = [0.01 * 2**power for power in range(14)]


class Instruments:
    """What is counted and measured, each by the attributes that it is given."""

    def __init__(self, meter: Meter) -> None:
        self._tokens_a_call = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a call",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self._seconds_a_call = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Duration of a call",
            explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
        )
        self._in_flight = meter.create_gauge("kclassify.in_flight", "{call}", "Calls in flight")
        self._counters = {
            name: meter.create_counter(f"kclassify.{name}", unit, description)
            for name, unit, description in (
                ("tokens", "{token}", "Tokens that are billed, by type"),
                ("cost", "{USD}", "Dollars spent"),
                ("cost.uncertain", "{USD}", "Dollars that calls without an answer may cost"),
                ("items", "{item}", "Items settled, by outcome"),
                ("actions", "{item}", "Items settled, by what became of them"),
                ("recalled", "{item}", "Items settled without a call"),
                ("snoozes", "{snooze}", "Waits for a provider or for a batch"),
                ("batches", "{batch}", "Batches that changed, by status"),
            )
        }

    def call(self, call: CallEnded, run: Attributes, model: Attributes) -> None:
        """A call came back."""
        about = model | of_error(call)
        self._seconds_a_call.record(call.seconds, about)
        if call.usage != Usage():
            self._tokens_of_call(call.usage, about)
        self.in_flight(call.in_flight, run)
        self._spend(call.usage, call.cost or 0, call.uncertain or 0, run | model, "direct")

    def in_flight(self, calls: int, run: Attributes) -> None:
        """So many calls are in flight."""
        self._in_flight.set(calls, run)

    def checkpoint(self, settled: Checkpointed, run: Attributes) -> None:
        """Items are settled."""
        self._count_each("items", "kclassify.outcome", settled.kinds, run)
        self._count_each("actions", "kclassify.action", settled.actions, run)
        self._add("recalled", settled.recalled, run)

    def batch(self, batch: BatchChanged, run: Attributes, model: Attributes) -> None:
        """A batch is sent, has ended, or results of it were read."""
        self._add("batches", 1, run | {"kclassify.batch.status": batch.status.value})
        charge: Charge = batch.charge
        self._spend(charge.usage, charge.cost, charge.uncertain, run | model, "batch")

    def snooze(self, run: Attributes) -> None:
        """The run waits."""
        self._add("snoozes", 1, run)

    def _tokens_of_call(self, usage: Usage, about: Attributes) -> None:
        by_type = {"input": usage.all_input, "output": usage.output_tokens}
        for kind, count in by_type.items():
            self._tokens_a_call.record(count, about | {"gen_ai.token.type": kind})

    def _spend(
        self, usage: Usage, cost: int, uncertain: int, about: Attributes, transport: str
    ) -> None:
        about = about | {"kclassify.transport": transport}
        tokens = {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cache_write": usage.cache_write_tokens,
            "cache_read": usage.cache_read_tokens,
        }
        self._count_each("tokens", "kclassify.token.type", tokens, about)
        self._add("cost", dollars(cost), about)
        self._add("cost.uncertain", dollars(uncertain), about)

    def _count_each(
        self, name: str, attribute: str, counts: Mapping[str, int], about: Attributes
    ) -> None:
        for value, count in counts.items():
            self._add(name, count, about | {attribute: word(value)})

    def _add(self, name: str, amount: float, about: Attributes) -> None:
        if amount:
            self._counters[name].add(amount, about)
