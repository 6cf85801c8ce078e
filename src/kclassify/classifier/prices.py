"""What the models are known to cost: `prices.toml`, and what the settings say otherwise."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kclassify.classifier.model import ChosenModel, choose_model
from kclassify.core.price import FREE, LongPrompt, Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kclassify.config.settings import PriceSettings

_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")


def price_of(
    model: ChosenModel | str, overrides: Mapping[str, PriceSettings] | None = None
) -> Price | None:
    """The price of a model, None where none is known: for a name with its date, that of the alias.

    What `[prices]` says wins. The embedded classifier is free. Raises `ConfigError` for half a
    name.
    """
    chosen = choose_model(model) if isinstance(model, str) else model
    if chosen.is_local:
        return FREE
    names = (str(chosen), undated(str(chosen)))
    given = {str(choose_model(name)): settings for name, settings in (overrides or {}).items()}
    built_in = next((known_prices()[name] for name in names if name in known_prices()), None)
    settings = next((given[name] for name in names if name in given), None)
    return built_in if settings is None else _overridden(str(chosen), settings, built_in)


def undated(model: str) -> str:
    """The name without the date of a snapshot: the alias, whose price is that of the snapshot."""
    return _DATED.sub("", model)


@cache
def known_prices() -> Mapping[str, Price]:
    """The built-in prices by `provider/model`, from the dearest of a provider to the cheapest."""
    text = files("kclassify").joinpath("prices.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text, parse_float=Decimal)
    prices = [_price(model, table) for model, table in tables.items()]
    prices.sort(key=lambda price: (price.model.partition("/")[0], -price.output))
    return MappingProxyType({price.model: price for price in prices})


def _price(model: str, table: dict[str, Any]) -> Price:
    long: dict[str, Any] | None = table.get("long_prompt")
    return Price(
        model,
        input=Decimal(table["input"]),
        output=Decimal(table["output"]),
        cache_write=Decimal(table["cache_write"]),
        cache_write_1h=Decimal(table["cache_write_1h"]),
        cache_read=Decimal(table["cache_read"]),
        batch_factor=Decimal(table["batch_factor"]),
        min_cache_tokens=table["min_cache_tokens"],
        as_of=str(table["as_of"]),
        long_prompt=None if long is None else _long_prompt(long),
    )


def _long_prompt(table: dict[str, Any]) -> LongPrompt:
    factors = (Decimal(table[name]) for name in ("input_factor", "output_factor"))
    return LongPrompt(table["over"], *factors)


def _overridden(model: str, settings: PriceSettings, built_in: Price | None) -> Price:
    """What is not given stays built-in; a cache price stays the same part of the input's.

    Without a built-in price it is that of the input.
    """
    same = settings.input
    as_built_in = built_in or Price(model, same, same, same, same, same)

    def cache_price(given: Decimal | None, built: Decimal) -> Decimal:
        if given is not None:
            return given
        return settings.input * (built / as_built_in.input if as_built_in.input else 1)

    factor, fewest = settings.batch_factor, settings.min_cache_tokens
    is_given = "min_cache_tokens" in settings.model_fields_set
    return Price(
        model,
        settings.input,
        settings.output,
        cache_price(settings.cache_write, as_built_in.cache_write),
        cache_price(settings.cache_write_1h, as_built_in.cache_write_1h),
        cache_price(settings.cache_read, as_built_in.cache_read),
        as_built_in.batch_factor if factor is None else factor,
        fewest if is_given else as_built_in.min_cache_tokens,
        long_prompt=as_built_in.long_prompt,
    )
