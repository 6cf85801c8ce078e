"""The stub's command line: `python -m kclassify.testing.stub`."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from kclassify.testing.faults import FAULT
from kclassify.testing.labels_file import first_fault
from kclassify.testing.latency import NO_LATENCY, FixedLatency, Latency, LognormalLatency
from kclassify.testing.plan import FaultPlan, PlannedFault, read_plan
from kclassify.testing.replies import ByDigest, Fixed, Random, Replies
from kclassify.testing.stub import StubMessagesAPI

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIME = r"(\d+(?:\.\d+)?)(ms|s)"
_LATENCY = re.compile(rf"{_TIME}(-lognormal(?:-(\d+(?:\.\d+)?))?(?:-{_TIME})?)?")
_OUTAGE = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?::(\w+))?")
_USAGE_ERROR = 2
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong on one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: {message}\n")


def latency(text: str) -> Latency:
    """`none`, `60ms`, `1.5s`, `60ms-lognormal`, or with sigma and cut `60ms-lognormal-0.8-800ms`.

    Raises argparse.ArgumentTypeError for anything else.
    """
    if text == "none":
        return NO_LATENCY
    found = _LATENCY.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"not a latency: {text!r} (none, 60ms, 60ms-lognormal or 60ms-lognormal-0.8-800ms)"
        )
    duration = _seconds(found[1], found[2])
    if found[3] is None:
        return FixedLatency(duration)
    cut = _seconds(found[5], found[6]) if found[5] else None
    return LognormalLatency(duration, float(found[4] or 0.8), cut)


def _seconds(number: str, unit: str) -> float:
    return float(number) / (1000 if unit == "ms" else 1)


def outage(text: str) -> PlannedFault:
    """`20:40`, seconds from the start, or with the kind of a fault `20:40:hang`.

    Raises argparse.ArgumentTypeError for anything else.
    """
    found = _OUTAGE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not an outage: {text!r} (20:40 or 20:40:hang)")
    try:
        fault = FAULT.validate_python({"kind": found[3] or "overloaded"})
    except ValidationError as error:
        raise argparse.ArgumentTypeError(first_fault(error)) from None
    return PlannedFault(fault=fault, after=float(found[1]), until=float(found[2]))


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
    add("--keep", type=int, default=1000, help="requests to keep (default: %(default)s)")
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
    return FaultPlan((*arguments.outage, *plan.entries), plan.seed)


def _stub(arguments: argparse.Namespace) -> StubMessagesAPI:
    return StubMessagesAPI(
        _replies(arguments),
        latency=arguments.latency,
        plan=_plan(arguments),
        host=arguments.host,
        port=arguments.port,
        require_key=not arguments.no_key,
        keep=arguments.keep,
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
