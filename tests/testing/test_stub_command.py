from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from kclassify.testing import (
    ConnectionsRefused,
    FixedLatency,
    Hang,
    LognormalLatency,
    Overloaded,
    PlannedFault,
    command_billing,
)
from kclassify.testing.command import latency, main, outage
from tests.testing.asking import LABELS, arguments
from tests.testing.test_stub_records import call

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

COMMAND = [sys.executable, "-W", "error", "-m", "kclassify.testing.stub"]


@contextmanager
def running(*options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def label(url: str, key: str, body: str) -> object:
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as client:
        message = client.messages.create(**arguments(body))
    (block,) = message.content
    assert block.type == "text"
    return json.loads(block.text)["label"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_as_it_says_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({sha256(b"b").hexdigest(): "decision"}), encoding="utf-8")
    with running("--labels", str(labels), "--latency", "1ms-lognormal") as (process, line):
        found = re.search(r"export ANTHROPIC_BASE_URL=(\S+) ANTHROPIC_API_KEY=(\S+)$", line)
        assert found is not None, line
        assert label(found[1], found[2], "b") == "decision"
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("options", "answers"),
    [(("--otherwise", "playbook"), {"playbook"}), (("--otherwise-random", "3"), set(LABELS))],
)
def test_a_body_without_a_label_is_answered_otherwise(
    tmp_path: Path, options: tuple[str, str], answers: set[str]
) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps({"body": "b", "label": "decision"}), encoding="utf-8")
    with running("--labels", str(labels), *options) as (_, line):
        url = line.split("=")[1].split()[0]
        assert label(url, "stub", "b") == "decision"
        assert label(url, "stub", "unknown") in answers


def test_a_plan_and_an_outage_are_followed(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    entry = {"fault": {"kind": "unknown_model"}, "contains": "odd"}
    plan.write_text(json.dumps({"entries": [entry]}), encoding="utf-8")
    options = ("--fixed", "pattern", "--plan", str(plan), "--outage", "9000:9001:hang")
    with running(*options) as (_, line):
        url = line.split("=")[1].split()[0]
        assert label(url, "stub", "even") == "pattern"
        with pytest.raises(anthropic.NotFoundError):
            label(url, "stub", "odd")
    outage_now = running("--random", "3", "--outage", "0:9000")
    with outage_now as (_, line), pytest.raises(anthropic.OverloadedError):
        label(line.split("=")[1].split()[0], "stub", "even")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--labels", "absent.jsonl"), "no such file: absent.jsonl"),
        (("--plan", "absent.json"), "no such file: absent.json"),
        (("--latency", "soon"), "not a latency: 'soon'"),
        (("--outage", "20"), "not an outage: '20'"),
        (("--outage", "20:40:meteor"), "'meteor'"),
        (("--keep", "-1"), "cannot keep -1 requests"),
        (("--fixed", "a", "--random", "1"), "not allowed with"),
        (("--requests-per-minute", "0"), "requests_per_minute: Input should be greater than 0"),
        (("--outage", "40:20"), "`until` (20) must come after `after` (40)"),
        (("--batch-seconds", "soon"), "'soon'"),
        (("--batch-expire-share", "3"), "batches: expire_share: Input should be less than"),
        (("--prices", "absent.toml"), "no such file: absent.toml"),
        (("--fixed", "a", "--otherwise", "b"), "--otherwise and --otherwise-random need --labels"),
        (("--otherwise", "a", "--otherwise-random", "1"), "not allowed with"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    options: tuple[str, ...], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    (line,) = told.err.splitlines()
    assert fault in line


def test_a_place_where_nobody_can_listen_is_one_line_and_exit_2() -> None:
    options = ("--port", "99999")
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert "cannot listen on 127.0.0.1, port 99999" in line


def test_latencies_are_read() -> None:
    assert latency("none").mean == 0
    assert latency("60ms") == FixedLatency(0.06)
    assert latency("1.5s") == FixedLatency(1.5)
    assert latency("60ms-lognormal") == LognormalLatency(0.06, 0.8, None)
    assert latency("60ms-lognormal-0.5") == LognormalLatency(0.06, 0.5, None)
    assert latency("60ms-lognormal-0.8-800ms") == LognormalLatency(0.06, 0.8, 0.8)


def test_outages_are_read() -> None:
    assert outage("20:40") == PlannedFault(fault=Overloaded(), after=20, until=40)
    assert outage("0.5:1:hang") == PlannedFault(fault=Hang(), after=0.5, until=1)
    assert outage("20:40:refused") == ConnectionsRefused(after=20, until=40)


def test_it_counts_beside_its_plan(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"rate_limits": {"requests_per_minute": 1, "burst": 2}}', encoding="utf-8")
    options = ("--fixed", "a", "--plan", str(plan), "--burst", "1", "--requests-per-minute", "9")
    with running(*options) as (_, line):
        url = line.split()[4]
        assert label(url, "k", "b") == "a"
        with pytest.raises(anthropic.RateLimitError, match="of 1 requests per minute"):
            label(url, "k", "b")


def test_batches_and_the_bill_are_for_other_processes_too(tmp_path: Path) -> None:
    prices = tmp_path / "kclassify.toml"
    prices.write_text('[prices."anthropic/claude-haiku-4-5"]\ninput = 7\noutput = 0.5\n')
    shares = ("--batch-expire-share", "0.3", "--batch-seed", "2", "--min-cache-tokens", "9")
    given: Any = [{"custom_id": f"{n}", "params": arguments(f"{n}")} for n in range(20)]
    options = ("--fixed", "pattern", "--batch-seconds", "never", "--prices", str(prices), *shares)
    with running(*options) as (_, line):
        url = line.split()[4]
        with anthropic.Anthropic(base_url=url, api_key="stub", max_retries=0) as client:
            batch = client.messages.batches.create(requests=given)
            assert client.messages.batches.retrieve(batch.id).processing_status == "in_progress"
            (ended,) = call(f"{url}/__stub__/batches/end", None)
            counts = client.messages.batches.retrieve(batch.id).request_counts
        assert (ended["id"], 0 < counts.expired < 20) == (batch.id, True)
        bill = call(f"{url}/__stub__/bill")
    (one,) = bill["lines"]
    used = one["usage"]
    assert one["answers"] == counts.succeeded
    assert bill["nanodollars"] == used["input_tokens"] * 3500 + used["output_tokens"] * 250


@pytest.mark.parametrize("text", ["prices = 3", '[prices."a/b"]\nprice = 3', "[prices.a]\ninput"])
def test_prices_that_are_none_are_one_line_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"prices\.toml: [^\n]+$"):
        command_billing.prices(path)
