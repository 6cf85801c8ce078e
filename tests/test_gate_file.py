from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from kclassify.core.gate import SampleSeal, text_digest
from kclassify.core.gate_record import sealed
from kclassify.errors import UsageError
from kclassify.gate_file import GateFile, read_record, write_record
from tests.core.test_gate import record

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = '{"id": "1", "body": "Übung: 練習", "gold": "playbook"}\n{"id": "2"}\n'


def write(folder: Path, sample: str = SAMPLE) -> GateFile:
    """A record of `SAMPLE`, and the sample as it is now."""
    (folder / "samples").mkdir()
    (folder / "samples" / "s.jsonl").write_bytes(sample.encode("utf-8"))
    seal = SampleSeal(
        path="samples/s.jsonl", digest=text_digest(SAMPLE), rows=2, frame="writes", split="holdout"
    )
    write_record(folder / "gate.json", record(sample=seal))
    return GateFile(folder / "gate.json")


def test_what_is_written_is_read_whole(tmp_path: Path) -> None:
    write_record(tmp_path / "gate.json", record(labels_needed=3))
    assert read_record(tmp_path / "gate.json") == sealed(record(labels_needed=3))
    assert [path.name for path in tmp_path.iterdir()] == ["gate.json"]


@pytest.mark.parametrize("sample", [SAMPLE, SAMPLE.replace("\n", "\r\n"), SAMPLE.rstrip("\n")])
def test_the_sample_is_found_beside_the_record_whatever_its_line_endings(
    tmp_path: Path, sample: str
) -> None:
    evidence = write(tmp_path, sample).read()
    assert evidence.record is not None
    assert evidence.sample_digest == evidence.record.sample.digest


def test_another_letter_in_the_sample_is_another_digest(tmp_path: Path) -> None:
    evidence = write(tmp_path, SAMPLE.replace("Ü", "U")).read()
    assert evidence.record is not None
    assert evidence.sample_digest not in {None, evidence.record.sample.digest}


@pytest.mark.parametrize("path", ["missing.jsonl", ".", "a\0b", "x" * 5000])
def test_a_sample_that_cannot_be_read_has_no_digest(tmp_path: Path, path: str) -> None:
    seal = SampleSeal(path=path, digest="d", rows=2, frame="writes", split="holdout")
    write_record(tmp_path / "gate.json", record(sample=seal))
    assert GateFile(tmp_path / "gate.json").read().sample_digest is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not a gate record, which is JSON"),
        ("[1]", "version None, and this kclassify knows 1"),
        ("[" * 100_000, "not a gate record, which is JSON"),
        ('{"version": "1"}', "version '1', and this kclassify knows 1"),
        ('{"version": 1}', "not a gate record, see 'verdict' in it"),
        ('{"version": true}', "version True"),
    ],
)
def test_a_file_that_is_no_record_is_a_problem_in_one_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "gate.json"
    path.write_text(text, encoding="utf-8")
    evidence = GateFile(path).read()
    assert evidence.record is None
    assert evidence.problem.startswith(f"{path}: ")
    assert expected in evidence.problem
    assert "\n" not in evidence.problem


def test_a_record_with_more_in_it_than_is_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(record().model_dump(mode="json") | {"note": 1}), encoding="utf-8")
    assert "see 'note' in it" in GateFile(path).read().problem


def test_a_file_that_is_not_utf_8_or_a_folder_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_bytes(b"\xff\xfe{")
    assert "not a gate record, which is JSON" in GateFile(path).read().problem
    assert "cannot be read" in GateFile(tmp_path).read().problem


@pytest.mark.skipif(os.name != "posix", reason="folders are files there")
def test_a_record_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(UsageError, match=r"gate\.json: cannot be written"):
        write_record(tmp_path / "a file" / "gate.json", record())
    (tmp_path / "gate.json").mkdir()
    with pytest.raises(UsageError, match=r"gate\.json: cannot be written"):
        write_record(tmp_path / "gate.json", record())
    assert {path.name for path in tmp_path.iterdir()} == {"a file", "gate.json"}


def test_a_record_is_written_into_a_new_folder_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "records" / "gate.json"
    write_record(path, record())
    path.chmod(0o640)
    write_record(path, record(labels_needed=3))
    assert read_record(path).labels_needed == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"threshold": 0.', '"threshold": 0.0'),
        ('"expires_at": "2', '"expires_at": "3'),
        ('"detail": "', '"detail": "not '),
        ('"seal": "', '"seal": "0'),
    ],
)
def test_a_record_that_was_changed_by_hand_is_none(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "gate.json"
    write_record(path, record())
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(UsageError, match="it was changed after it was written"):
        read_record(path)
