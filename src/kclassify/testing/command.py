"""The stub's command line: `python -m kclassify.testing.stub`."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from kclassify.testing.command_billing import add_options, batch_rules, prices
from kclassify.testing.faults import FAULT
from kclassify.testing.labels_file import first_fault
from kclassify.testing.latency import NO_LATENCY, Latency, latency_spelt
from kclassify.testing.plan import FaultPlan, read_plan
from kclassify.testing.plan_entries import ConnectionsRefused, PlannedFault
from kclassify.testing.rate_limits import RateLimits
from kclassify.testing.replies import ByDigest, Fixed, Random, Replies
from kclassify.testing.stub import StubMessagesAPI

if TYPE_CHECKING:
    from collections.abc import Sequence

_OUTAGE = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?::(\w+))?")
_USAGE_ERROR = 2
_COUNTED = {
    "requests_per_minute": "429 beyond so many, with the headers that the real API sends",
    "input_tokens_per_minute": "the same for tokens that are sent",
    "output_tokens_per_minute": "the same for tokens that are answered",
    "burst": "requests that may come at once (default: a minute's worth)",
}
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong on one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: {message}\n")


def latency(text: str) -> Latency:
    """As `latency_spelt` reads it; argparse.ArgumentTypeError for anything else."""
    try:
        return latency_spelt(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def outage(text: str) -> PlannedFault | ConnectionsRefused:
    """`20:40`, seconds from the start, or with the kind of a fault `20:40:hang`.

    `20:40:refused` refuses connections. Raises argparse.ArgumentTypeError for anything else.
    """
    found = _OUTAGE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not an outage: {text!r} (20:40 or 20:40:hang)")
    after, until, kind = float(found[1]), float(found[2]), found[3] or "overloaded"
    try:
        if kind == "refused":
            return ConnectionsRefused(after=after, until=until)
        return PlannedFault(fault=FAULT.validate_python({"kind": kind}), after=after, until=until)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(first_fault(error)) from None


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m kclassify.testing.stub", description="A stub Messages API on loopback."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    add("--port", type=int, default=0, help="0, the default, takes a free one")
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--labels", type=Path, help="JSON or JSON Lines: labels by body digest")
    answers.add_argument("--random", type=int, metavar="SEED", help="labels at random (default)")
    answers.add_argument("--fixed", metavar="LABEL", help="the same label for every item")
    unknown = parser.add_mutually_exclusive_group()
    unknown.add_argument(
        "--otherwise", metavar="LABEL", help="for bodies not in --labels, else a 400"
    )
    unknown.add_argument(
        "--otherwise-random", type=int, metavar="SEED", help="for those, at random"
    )
    add("--confidence", type=float, default=0.95, help="for labels that have none (%(default)s)")
    add("--latency", type=latency, default=NO_LATENCY, help="none, 60ms, 60ms-lognormal-0.8-800ms")
    add("--plan", type=Path, help="JSON file with a fault plan")
    add("--outage", type=outage, action="append", default=[], metavar="FROM:TO[:KIND]")
    for counted, told in _COUNTED.items():
        add(f"--{counted.replace('_', '-')}", type=float, metavar="N", help=told)
    add("--keep", type=int, default=1000, help="requests to keep (default: %(default)s)")
    add_options(add)
    add("--no-key", action="store_true", help="answer requests without a key, too")
    return parser


def _replies(arguments: argparse.Namespace) -> Replies:
    otherwise = _otherwise(arguments)
    if arguments.labels is not None:
        return ByDigest(arguments.labels, confidence=arguments.confidence, otherwise=otherwise)
    if otherwise is not None:
        raise ValueError("--otherwise and --otherwise-random need --labels")
    if arguments.fixed is not None:
        return Fixed(arguments.fixed, arguments.confidence)
    return Random(arguments.random or 0)


def _otherwise(arguments: argparse.Namespace) -> Replies | None:
    if arguments.otherwise is not None:
        return Fixed(arguments.otherwise, arguments.confidence)
    if arguments.otherwise_random is not None:
        return Random(arguments.otherwise_random)
    return None


def _plan(arguments: argparse.Namespace) -> FaultPlan:
    plan = read_plan(arguments.plan) if arguments.plan is not None else FaultPlan()
    given = {name: getattr(arguments, name) for name in _COUNTED}
    counted = any(value is not None for value in given.values())
    try:
        limits = RateLimits(**given) if counted else None
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
    return FaultPlan(tuple(arguments.outage), rate_limits=limits) + plan


def _stub(arguments: argparse.Namespace) -> StubMessagesAPI:
    return StubMessagesAPI(
        _replies(arguments),
        latency=arguments.latency,
        plan=_plan(arguments),
        host=arguments.host,
        port=arguments.port,
        require_key=not arguments.no_key,
        keep=arguments.keep,
        batch_rules=batch_rules(arguments),
        prices=prices(arguments.prices),
        min_cache_tokens=arguments.min_cache_tokens,
    )


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serves until SIGINT or SIGTERM, then exits with 0; with 2 and one line on bad input."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        stub = _stub(parsed)
    except FileNotFoundError as error:
        parser.error(f"no such file: {error.filename}")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    # Blocked before the stub's thread starts, which inherits it: sigwait is then sure to get them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        stub.start()
    except (OSError, OverflowError) as error:
        where = f"{parsed.host}, port {parsed.port}"
        parser.error(f"cannot listen on {where}: {error}; choose another with --host and --port")
    _serve(stub)
    sys.exit(0)


def _serve(stub: StubMessagesAPI) -> None:
    try:
        sys.stdout.write(_greeting(stub.url))
        sys.stdout.flush()
        signal.sigwait(_STOP_SIGNALS)
    finally:
        stub.stop()


def _greeting(url: str) -> str:
    variables = f"export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=stub"
    return f"stub Messages API at {url} ; {variables}\n"
