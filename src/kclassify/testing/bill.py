"""What the stub's provider charges: each answer once, by model and by how it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from kclassify.classifier.prices import undated
from kclassify.core.verdict import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.core.price import Price
    from kclassify.testing.wire import TokensUsed

Transport = Literal["direct", "batch"]


@dataclass(frozen=True, slots=True)
class BillLine:
    """What one model answered by one transport: so many answers, their tokens, their price.

    `nanodollars` is the sum of what each answer costs, rounded up one by one, None where no price
    of the model is known.
    """

    model: str
    transport: Transport
    answers: int = 0
    usage: Usage = field(default_factory=Usage)
    nanodollars: int | None = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """All that was charged since the start, or the last clear."""

    lines: tuple[BillLine, ...] = ()

    @property
    def answers(self) -> int:
        """How many answers are on it."""
        return sum(line.answers for line in self.lines)

    @property
    def nanodollars(self) -> int:
        """The sum of what has a price."""
        return sum(line.nanodollars or 0 for line in self.lines)

    @property
    def usage(self) -> Usage:
        """All tokens."""
        return sum((line.usage for line in self.lines), Usage())


@dataclass(slots=True)
class Billing:
    """Keeps the bill.

    `prices` are by model, with or without its provider before a slash, and hold for a model's
    dated names too.
    """

    prices: Mapping[str, Price]
    _lines: dict[tuple[str, Transport], BillLine] = field(
        default_factory=dict[tuple[str, Transport], BillLine]
    )

    def charge(self, model: str, used: TokensUsed, *, is_batch: bool) -> None:
        """Puts one answer on the bill."""
        transport: Transport = "batch" if is_batch else "direct"
        line = self._lines.get((model, transport), BillLine(model, transport))
        cost = self._cost(model, used, is_batch=is_batch)
        so_far = line.nanodollars
        self._lines[model, transport] = replace(
            line,
            answers=line.answers + 1,
            usage=line.usage + usage_of(used),
            nanodollars=None if cost is None or so_far is None else so_far + cost,
        )

    def bill(self) -> Bill:
        """What was charged, by model and transport."""
        return Bill(tuple(self._lines[key] for key in sorted(self._lines)))

    def clear(self) -> None:
        """Begins a new bill."""
        self._lines.clear()

    def price(self, model: str) -> Price | None:
        """The price of a model, None where it is not known."""
        for name in (model, undated(model)):
            if name in self.prices:
                return self.prices[name]
            for full, price in self.prices.items():
                if full.endswith(f"/{name}"):
                    return price
        return None

    def _cost(self, model: str, used: TokensUsed, *, is_batch: bool) -> int | None:
        price = self.price(model)
        if price is None or (is_batch and price.batch_factor is None):
            return None
        if not used.written_1h:
            return price.cost(usage_of(used), batch=is_batch)
        # One price counts one lifetime: where an answer wrote entries of both, the two are added.
        longer = price.cost(usage_of(replace(used, written_5m=0)), batch=is_batch, one_hour=True)
        written = Usage(cache_write_tokens=used.written_5m)
        return longer + price.cost(written, batch=is_batch)


def usage_of(used: TokensUsed) -> Usage:
    """The same tokens in kclassify's terms."""
    written = used.written_5m + used.written_1h
    return Usage(used.input, used.output, written, used.read)
