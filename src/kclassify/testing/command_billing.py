"""The options of the stub's command line for batches, the cache and the bill."""

from __future__ import annotations

import argparse
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from kclassify.classifier.prices import known_prices, price_of
from kclassify.config.settings import PriceSettings
from kclassify.errors import ConfigError
from kclassify.testing.batch_rules import BatchRules
from kclassify.testing.labels_file import first_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from kclassify.core.price import Price

_PRICES = TypeAdapter(dict[str, PriceSettings])
_SHARES = {
    "batch_expire_share": "of the requests of each batch",
    "batch_error_share": "the same for those that end in error",
}


def add_options(add: Callable[..., object]) -> None:
    """Adds them to a parser; `add` is its `add_argument`."""
    add(
        "--batch-seconds",
        type=_seconds,
        default=0.0,
        metavar="N",
        help="how long a batch takes; `never` until POST /__stub__/batches/end (default: 0)",
    )
    for name, told in _SHARES.items():
        add(f"--{name.replace('_', '-')}", type=float, default=0.0, metavar="SHARE", help=told)
    add("--batch-seed", type=int, default=0, help="of what ends how, and of the order of results")
    add("--prices", type=Path, help='TOML file with [prices."provider/model"], for the bill')
    add("--min-cache-tokens", type=int, metavar="N", help="the shortest prefix that is cached")


def batch_rules(arguments: argparse.Namespace) -> BatchRules:
    """The rules that the options say; ValueError with one line for others."""
    try:
        return BatchRules(
            seconds=arguments.batch_seconds,
            expire_share=arguments.batch_expire_share,
            error_share=arguments.batch_error_share,
            seed=arguments.batch_seed,
        )
    except ValidationError as error:
        raise ValueError(f"batches: {first_fault(error)}") from None


def prices(path: Path | None) -> dict[str, Price]:
    """The built-in prices by `provider/model`, and over them those of a file.

    Raises FileNotFoundError, or ValueError with one line that names the file.
    """
    found = dict(known_prices())
    if path is None:
        return found
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        given = _PRICES.validate_python(tables.get("prices", {}))
        told = {name: price_of(name, given) for name in given}
    except ValidationError as error:
        raise ValueError(f"{path}: {first_fault(error)}") from None
    except (ConfigError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    return found | {name: price for name, price in told.items() if price is not None}


def _seconds(text: str) -> float | None:
    return None if text == "never" else float(text)
