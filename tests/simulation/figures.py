"""The figures of docs/reliability.md that are simulated: `python -m tests.simulation.figures`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kclassify.testing.simulation import Trouble
from tests.simulation.outage_comparison import (
    Came,
    Contestant,
    batch_rule,
    compare,
    kclassify,
    retrying_loop,
)
from tests.simulation.planted_bugs import PLANTED
from tests.simulation.rate_limit_figures import throughput

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
ITEMS = 77_000
HOURS = 2.0
CONTESTANTS: dict[str, Contestant] = {
    "kclassify": kclassify,
    "a loop that retries five times": retrying_loop,
    "the batch rule": batch_rule,
}
TROUBLES = {
    "connections refused": Trouble.REFUSED,
    "hangs until the deadline": Trouble.HANG,
}


def outage_comparison() -> str:
    """Every contestant in every outage."""
    rows = [
        _row(told, name, compare(contestant, trouble, ITEMS))
        for told, trouble in TROUBLES.items()
        for name, contestant in CONTESTANTS.items()
    ]
    header = (
        "| outage | who | calls into it | noticed after | resumed after its end | items lost "
        "| calls paid twice | hours in all |"
    )
    return "\n".join([header, "|---|---|---:|---:|---:|---:|---:|---:|", *rows])


def _row(trouble: str, name: str, came: Came) -> str:
    noticed = "never" if came.noticed_after_s is None else f"{came.noticed_after_s:.0f} s"
    return (
        f"| {trouble} | {name} | {came.calls_into_outage:,} | {noticed} "
        f"| {came.resumed_after_s:.0f} s | {came.lost:,} | {came.paid_twice:,} "
        f"| {came.total_s / 3600:.2f} |"
    )


def rate_limit() -> str:
    """What the provider tells of its limit, and what the run makes of it."""
    ways = {
        "rate-limit headers and `retry-after`": (True, True),
        "`retry-after` alone": (False, True),
        "nothing but 429": (False, False),
    }
    rows: list[str] = []
    for told, (headers, retry_after) in ways.items():
        came = throughput(HOURS, sends_headers=headers, sends_retry_after=retry_after)
        rows.append(f"| {told} | {came.calls:,} | {came.used:.3f} | {came.throttled:.2%} |")
    header = "| what the provider tells | calls | share of the limit that is used | throttled |"
    return "\n".join([header, "|---|---:|---:|---:|", *rows])


def planted_bugs() -> str:
    """Each bug, the test that finds it, and what it finds."""
    test = "test_the_simulation_finds_the_bug"
    rows = [f"| {bug.told} | `{test}[{bug.plant.__name__}]` | {bug.found} |" for bug in PLANTED]
    return "\n".join(["| mistake | test | what is found |", "|---|---|---|", *rows])


BLOCKS: dict[str, Callable[[], str]] = {
    "planted bugs": planted_bugs,
    "rate limit": rate_limit,
    "outage comparison": outage_comparison,
}


def documented(name: str) -> str:
    """The block of this name, as the document has it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(f"<!-- figures: {name} -->\n")[2].partition("\n<!-- end of ")[0]


def write(name: str) -> None:
    """Put the block into the document."""
    fresh = BLOCKS[name]()
    first, last = f"<!-- figures: {name} -->", f"<!-- end of {name} -->"
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(first)
    after = rest.partition(last)[2]
    DOCUMENT.write_text(f"{before}{first}\n{fresh}\n{last}{after}", encoding="utf-8")


if __name__ == "__main__":
    for block in BLOCKS:
        write(block)
