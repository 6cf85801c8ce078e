"""What an estimate says, for people and for programs."""

from __future__ import annotations

from kclassify.cli.estimate_remarks import remarks
from kclassify.cli.output import say, say_json, say_table
from kclassify.cli.wording import duration, plural, shown
from kclassify.core.dollars import dollars
from kclassify.core.estimate import Way, WayName
from kclassify.core.figure import Figure
from kclassify.core.price import NANODOLLARS, Price
from kclassify.estimate.reckoning import Estimate
from kclassify.estimate.second_model import SecondModel

_BAR = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HOUR = 3600.0


def report_estimate(found: Estimate, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        say_json(_facts(found))
        return
    for line in _heading(found):
        say(line)
    if found.look.sample:
        say()
        say_table(("", "way", "tokens", "dollars", "95% interval", "time", ""), _rows(found))
    say()
    for line in remarks(found):
        say(shown(line))


def _heading(found: Estimate) -> list[str]:
    look, work = found.look, found.work
    copies = f", {round(look.copies):,} copies of others" if round(look.copies) else ""
    texts = f"{'' if look.texts.low == look.texts.high else 'about '}{round(look.texts.value):,}"
    held = f"{look.empty:,} empty, {look.answered:,} answered already{copies}"
    lines = [
        f"Run {shown(found.run)!r} over {shown(found.source)}, with {shown(found.model)}",
        f"{plural(look.items, 'item')}: {held}; {texts} to ask about",
    ]
    if look.sample:
        lines += [
            f"request  {_tokens(work.request)}, {work.prefix.value:,.0f} of them the same for all",
            f"reply    {_tokens(work.reply)}: {found.reply_from}",
        ]
    return lines


def _tokens(figure: Figure) -> str:
    return f"{figure.value:,.0f} tokens ({figure.low:,.0f} to {figure.high:,.0f})"


def _rows(found: Estimate) -> list[tuple[object, ...]]:
    most = max((way.cost.value for way in found.ways if way.cost is not None), default=0.0)
    return [
        (
            "▸" if way.name is found.way else "",
            way.name.value,
            round(way.tokens.value),
            "unknown" if way.cost is None else dollars(way.cost.value),
            "" if way.cost is None else f"{dollars(way.cost.low)} – {dollars(way.cost.high)}",  # noqa: RUF001
            _time(way),
            "" if way.cost is None else bar(way.cost.value, most),
        )
        for way in found.ways
    ]


def _time(way: Way) -> str:
    if way.seconds is None:
        return "unknown"
    if way.name is WayName.BATCHED:
        return f"{way.seconds.value / _HOUR:,.0f} h, {way.seconds.high / _HOUR:,.0f} h at most"
    return duration(way.seconds.value)


def bar(value: float, most: float) -> str:
    """A bar of this share of the longest one, to an eighth of a character."""
    eighths = round(_BAR * 8 * value / most) if most else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _facts(found: Estimate) -> dict[str, object]:
    look, work = found.look, found.work
    return {
        "run": found.run,
        "source": found.source,
        "model": str(found.model),
        "price": _price(found.price),
        "items": look.items,
        "empty": look.empty,
        "answered": look.answered,
        "texts": _figure(look.texts),
        "sampled": len(look.sample),
        "counted_by": _counted_by(found),
        "not_counted_because": found.measured.reason,
        "tokens": {
            "request": _figure(work.request) if look.sample else None,
            "shared": _figure(work.prefix) if look.sample else None,
            "reply": _figure(work.reply),
        },
        "is_cached": found.is_cached if look.sample else None,
        "second": _second(found.second),
        "ways": [_way(way) for way in found.ways],
        "chosen": found.way.value,
        "worst_call_usd": None if found.worst is None else found.worst.most / NANODOLLARS,
        "spent_usd": found.spent.charge.cost / NANODOLLARS,
        "budget_usd": None if found.budget is None else found.budget / NANODOLLARS,
        "remarks": remarks(found),
    }


def _counted_by(found: Estimate) -> str | None:
    """None where there was nothing to count."""
    if not found.look.sample or found.model.is_local:
        return None
    return "provider" if found.measured.reason is None else "characters"


def _price(price: Price | None) -> dict[str, object] | None:
    if price is None:
        return None
    amounts = ("input", "output", "cache_write", "cache_write_1h", "cache_read")
    return {
        **{name: float(getattr(price, name)) for name in amounts},
        "batch_factor": None if price.batch_factor is None else float(price.batch_factor),
        "min_cache_tokens": price.min_cache_tokens,
        "as_of": price.as_of or None,
    }


def _second(second: SecondModel | None) -> dict[str, object] | None:
    if second is None:
        return None
    return {
        "model": second.model,
        "why": second.why,
        "share": _figure(second.share),
        "share_from": second.share_from,
        "price": _price(second.price),
    }


def _way(way: Way) -> dict[str, object]:
    cost = None if way.cost is None else way.cost.times(1 / NANODOLLARS)
    hours = None if way.seconds is None else way.seconds.times(1 / _HOUR)
    return {
        "way": way.name.value,
        "tokens": _figure(way.tokens),
        "usd": None if cost is None else _figure(cost),
        "hours": None if hours is None else _figure(hours),
        "has_effect": way.effect,
    }


def _figure(figure: Figure) -> dict[str, float]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}
