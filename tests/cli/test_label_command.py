from __future__ import annotations

import json
import signal
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from kclassify.evals.labelled import LabelledItem
from kclassify.evals.sample_file import read_rows, write_rows

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.cli.place import Place


@pytest.fixture
def sample(place: Place) -> Path:
    place.settle([])
    path = place.folder / "evals" / "sample.jsonl"
    write_rows(path, [LabelledItem(id=f"kb-{n}", body=f"text {n}") for n in range(3)])
    return path


def address_of(process: subprocess.Popen[str], *, on_stderr: bool = False) -> str:
    stream = process.stderr if on_stderr else process.stdout
    assert stream is not None
    told = stream.readline()
    assert told.startswith("Label at http://127.0.0.1:"), told
    return told.removeprefix("Label at ").strip()


def vote(address: str, identity: str, label: str, by: str = "ann") -> None:
    parts = urlsplit(address)
    headers = {"X-Token": parse_qs(parts.query)["token"][0], "X-Annotator": by}
    body = json.dumps({"id": identity, "label": label}).encode()
    request = urllib.request.Request(f"http://{parts.netloc}/api/vote", data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert json.load(answer) == {"id": identity, "mine": label}


def test_a_kill_after_each_label_loses_none(place: Place, sample: Path) -> None:
    for n in range(3):
        with place.start("label", "--no-browser") as process:
            vote(address_of(process), f"kb-{n}", "pattern")
            process.kill()
        assert [row.gold for row in read_rows(sample)].count("pattern") == n + 1
        assert [each.name for each in sample.parent.iterdir()] == ["sample.jsonl"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_says_how_far_it_is(
    place: Place, sample: Path, number: signal.Signals
) -> None:
    with place.start("label", str(sample), "--no-browser") as process:
        address = address_of(process)
        vote(address, "kb-0", "pattern")
        vote(address, "kb-0", "playbook", "bob")
        vote(address, "kb-1", "pattern")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "Every label is stored at once. Ctrl-C ends it.\n")
    assert out.splitlines() == [
        f"1 of 3 rows of {sample} has a label, 1 by two people or more",
        "1 row waits for a third person, since two disagree",
        "Next: `kclassify eval`",
    ]


def test_json_is_one_value(place: Place, sample: Path) -> None:
    with place.start("label", "--no-browser", "--json", "--by", "ann") as process:
        vote(address_of(process, on_stderr=True), "kb-2", "playbook")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert json.loads(out) == {
        "sample": "evals/sample.jsonl",
        "rows": 3,
        "labelled": 1,
        "by_two": 0,
        "contested": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.jsonl"], "cannot read nowhere.jsonl: No such file or directory"),
        (["--taxonomy", "nowhere.toml"], "nowhere.toml: no such file"),
        (["--by", " "], "who labels has a name of 1 to 60 characters"),
        (["kclassify.toml"], "kclassify.toml, line 2: not JSON"),
    ],
)
def test_what_cannot_be_labelled_is_refused(
    place: Place, sample: Path, arguments: list[str], complaint: str
) -> None:
    ended = place.run("label", "--no-browser", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1
