from __future__ import annotations

import math
from typing import SupportsIndex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kclassify.classifier.answer import Failure, FailureKind
from kclassify.classifier.failure import read_failure, retry_after
from kclassify.classifier.mapping import Spent, settle_failure
from kclassify.classifier.model import choose_model
from kclassify.classifier.redaction import Redaction
from kclassify.core.decision import Halt

NOW = 1_800_000_000.0  # 2027-01-15 08:00 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e300"}, 86_400),
        ({"retry-after": "99999999"}, 86_400),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 15 Jan 2027 08:02:00 GMT"}, 120),
        ({"retry-after": "Fri, 15 Jan 2027 09:02:00 +0100"}, 120),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, None),
        ({"retry-after": "Mon, 15 Jan 2125 08:00:00 GMT"}, 86_400),
        ({"retry-after": "Fri, 99 Jan 2027 08:02:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after-ms": "1500", "retry-after": "30"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "30"}, 30),
    ],
)
def test_retry_after_is_seconds_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


numbers = st.one_of(st.integers().map(str), st.floats().map(str))
offsets = st.builds("{}{}".format, st.sampled_from("+-"), st.integers(0, 10**24))
zones = st.one_of(st.sampled_from(["GMT", "-0000", "EST", ""]), offsets)
days, years = st.integers(1, 32), st.integers(0, 10_000)
likely = st.builds("Mon, {} Jan {} 08:00:00 {}".format, days, years, zones)
dates = st.builds("Mon, {} Jan {} {}:{}:{} {}".format, *[numbers] * 5, zones)
texts = st.one_of(likely, st.text(), numbers, dates)


@settings(max_examples=500)
@given(texts, st.none() | texts)
def test_any_retry_after_is_seconds_up_to_a_day_or_nothing(
    text: str, milliseconds: str | None
) -> None:
    both = {"retry-after": text, "retry-after-ms": milliseconds}
    seconds = retry_after({name: value for name, value in both.items() if value is not None}, NOW)
    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= 86_400)


class StatusError(Exception):
    def __init__(self, status: int, body: object) -> None:
        super().__init__("words of a library")
        self.status_code = status
        self.body = body


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"details": {"error_code": "enforced_spend_limit_reached"}}},
        {"error": {"error_code": "enforced_spend_limit_reached"}},
        {"error_code": "contract_spend_limit_reached"},
        {"error": {"details": [{"error_code": "contract_spend_limit_reached"}]}},
        {"error": {"code": "insufficient_quota", "message": "pay"}},
        [{"error": {"type": "billing_error"}}],
    ],
)
def test_a_spend_limit_is_found_wherever_the_body_has_it(body: object) -> None:
    failure = read_failure(StatusError(429, body), Redaction(), NOW)
    assert isinstance(settle_failure(failure, choose_model(), Spent()), Halt)


@pytest.mark.parametrize("body", [None, "", "<h1>", [], {}, {"error": None}, {"error": {"x": 1}}])
def test_any_body_can_be_read(body: object) -> None:
    failure = read_failure(StatusError(429, body), Redaction(), NOW)
    assert failure == Failure(FailureKind.STATUS, 429)


def test_a_body_that_is_deeper_than_any_is_read_no_further() -> None:
    body: object = {"error_code": "enforced_spend_limit_reached"}
    for _ in range(100_000):
        body = {"error": body}
    assert read_failure(StatusError(429, body), Redaction(), NOW).codes == frozenset()


def test_causes_that_go_in_a_circle_come_to_an_end() -> None:
    first, second = ValueError("first"), ConnectionResetError("second")
    first.__cause__, second.__cause__ = second, first
    failure = read_failure(first, Redaction(), NOW)
    assert failure == Failure(FailureKind.CONNECTION, message="second")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\n lines\t here", "two lines here"),
        ("x" * 500, "x" * 239 + "…"),
        ("key sk-ant-api03-abcdef_123 is bad", "key [key] is bad"),
        ("Authorization: Bearer abc.def", "Authorization: [key]"),
        ("at http://user:pass@host/x", "at http://[key]@host/x"),
        ("my secret is out", "my [key] is out"),
        ("it said: rotate THE key\n every month", "[withheld: it quotes the item]"),
        ("rotate the", "rotate the"),
        ("", ""),
    ],
)
def test_what_others_say_is_cleaned(text: str, cleaned: str) -> None:
    redaction = Redaction(("secret",), ("Please rotate the  key every month.",))
    assert redaction.clean(text) == cleaned


def test_nothing_said_is_clean_without_a_look_at_the_item() -> None:
    assert Redaction(("secret",), (Unread("a body"),)).clean("") == ""


class Unread(str):
    __slots__ = ()

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        raise AssertionError("the body was folded")
