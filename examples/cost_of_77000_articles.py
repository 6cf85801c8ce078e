"""What 77,000 articles cost, by model and by way of asking: the table of docs/cost.md.

Nobody is asked, and nothing is paid: it is the arithmetic of `kclassify estimate`, with round
figures in place of a sample.
"""

from __future__ import annotations

from kclassify.classifier.prices import known_prices
from kclassify.core.estimate import Caching, Pace, Waves, Way, Work, batched, cached, cascade, plain
from kclassify.core.figure import NONE, exactly
from kclassify.core.price import NANODOLLARS, Price

ARTICLES = exactly(77_000)
ARTICLE = 650
PREFIX = 1_500
REPLY = 30
SHARE = exactly(0.2)
WORK = Work(
    texts=ARTICLES,
    request=exactly(PREFIX + ARTICLE),
    prefix=exactly(PREFIX),
    reply=exactly(REPLY),
    asked=exactly(1),
)
PACE = Pace(concurrency=20, latency_s=exactly(2))
# Each model with the second one of a cascade.
MODELS = (
    ("claude-haiku-5-5", "claude-sonnet-5-5"),
    ("claude-haiku-4-5", "claude-sonnet-5-5"),
    ("claude-sonnet-5-5", "claude-opus-5-5"),
    ("claude-opus-5-5", None),
)


def price(model: str) -> Price:
    """The built-in price of an Anthropic model."""
    return known_prices()[f"anthropic/{model}"]


def dollars(paid: Way) -> str:
    """The dollars of a way, and whether it saves anything."""
    cost = NONE if paid.cost is None else paid.cost  # all of these models have a price
    amount = f"${cost.value / NANODOLLARS:,.2f}"
    return amount if paid.effect else f"{amount} (no effect)"


def row(model: str, then: str | None) -> str:
    """One line of the table."""
    own = price(model)
    cells = [
        dollars(plain(WORK, own, PACE)),
        dollars(cached(WORK, own, PACE, Caching())),
        dollars(batched(WORK, own, Waves(requests=40_000), None)),
    ]
    if then is None:
        cells.append("")
    else:
        both = cascade(WORK, (own, price(then)), SHARE, PACE, Caching())
        cells.append(f"{dollars(both)}, then {then}")
    return f"| `{model}` | {' | '.join(cells)} |"


print("| model | plain | cached | batched | cascade, a fifth asked again |")
print("|---|---|---|---|---|")
for name, second in MODELS:
    print(row(name, second))
print()
way = plain(WORK, None, PACE)
hours = (way.seconds or NONE).value / 3600
print(f"{way.tokens.value / 1e6:,.1f} million tokens, {hours:.1f} hours")
