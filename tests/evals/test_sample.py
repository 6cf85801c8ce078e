from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.gate import text_digest
from kclassify.errors import SourceError, UsageError
from kclassify.evals.labelled import Frame, GoldStatus, LabelledItem, Split
from kclassify.evals.sample import load_sample
from kclassify.evals.sample_file import read_rows, read_sealed, write_rows
from tests.evals.rows import line, save_lines

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("playbook", "pattern")
TEXTS = st.text(st.characters(), max_size=30)
NAMES = TEXTS.filter(bool)
ROWS = st.builds(
    LabelledItem,
    id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
    body=TEXTS,
    title=st.none() | NAMES,
    current=st.none() | NAMES,
    gold=st.none() | NAMES,
    gold_by=st.lists(NAMES, max_size=3).map(tuple),
    gold_status=st.none() | st.sampled_from(GoldStatus),
    stratum=st.none() | NAMES,
    stratum_N=st.none() | st.integers(1, 10**9),
    stratum_n=st.none() | st.integers(1, 10**9),
    weight=st.none() | st.floats(min_value=1e-6, max_value=1e9),
    frame=st.sampled_from(Frame),
    split=st.none() | st.sampled_from(Split),
    cluster_id=st.none() | NAMES,
    item_digest=st.sampled_from(["", "d" * 64]),
    verdict_digest=st.sampled_from([None, "v" * 64]),
    fingerprint=st.sampled_from([None, "f" * 64]),
    votes=st.dictionaries(NAMES, NAMES, max_size=3),
)


def load(path: Path) -> Any:
    return load_sample(path, {*LABELS, "convention"}, LABELS)


def test_id_body_and_gold_are_enough(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"id": 7, "body": "steps", "gold": "playbook"},
        {"id": "b", "body": "shape", "gold": "pattern"},
    ]
    sample = load(save_lines(tmp_path / "sample.jsonl", lines))
    assert [row.id for row in sample.rows] == ["7", "b"]
    assert (sample.warnings, sample.unlabelled, sample.splits) == ((), 0, frozenset())
    assert {row.frame for row in sample.rows} == {Frame.UNIFORM}
    assert sample.labelled == sample.rows == sample.split(None)


@given(st.lists(ROWS, max_size=6, unique_by=lambda row: row.id))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[LabelledItem]
) -> None:
    path = tmp_path_factory.mktemp("sample") / "evals" / "sample.jsonl"
    write_rows(path, rows)
    assert read_rows(path) == tuple(rows)
    before = path.read_bytes()
    write_rows(path, read_rows(path))
    assert path.read_bytes() == before


def test_text_is_written_as_it_is_in_a_stable_order(tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    row = LabelledItem(id="1", body="Überblick \u2028 \u202e", gold=None, current="alt", weight=2.0)
    write_rows(path, [row])
    assert path.read_text(encoding="utf-8") == (
        '{"id": "1", "body": "Überblick \u2028 \u202e", "current": "alt", "gold": null, '
        '"weight": 2.0, "frame": "uniform"}\n'
    )


def test_a_file_is_replaced_wholly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sample.jsonl"
    write_rows(path, [LabelledItem(id="1", body="a")])
    path.chmod(0o640)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(UsageError, match=r"sample.jsonl: cannot be written: No space left"):
            write_rows(path, [LabelledItem(id="2", body="b")])
    assert [row.id for row in read_rows(path)] == ["1"]
    assert [each.name for each in tmp_path.iterdir()] == ["sample.jsonl"]
    with path.open() as before:
        write_rows(path, [LabelledItem(id="2", body="b")])
        assert '"id": "1"' in before.read()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_digest_is_that_of_the_file_whatever_its_line_endings(tmp_path: Path) -> None:
    path = save_lines(tmp_path / "sample.jsonl", [line(1), line(2, gold="pattern")])
    digest = load(path).digest
    assert digest == text_digest(path.read_text(encoding="utf-8"))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_sealed(path)[1] == digest
    save_lines(path, [line(1), line(2)])
    assert read_sealed(path)[1] != digest


def test_the_digest_is_that_of_the_rows_that_were_read_whoever_labels_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_lines(tmp_path / "sample.jsonl", [line(1), line(2)])
    digest = text_digest(path.read_text(encoding="utf-8"))

    def labels_meanwhile(*_: object) -> tuple[str, ...]:
        save_lines(path, [line(1, gold="pattern"), line(2)])
        return ()

    monkeypatch.setattr("kclassify.evals.sample.check", labels_meanwhile)
    assert load(path).digest == digest


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"id": "1", "body": "a", "gold": "x", "glod_by": []}', "unknown key 'glod_by': did you"),
        ('{"id": "1", "body": "a", "gold": "x", "zzz": 1}', "unknown key 'zzz': known are id, "),
        ('{"id": "1", "body": "a"}', "'gold' is missing"),
        ('{"body": "a", "gold": "x"}', "'id' is missing"),
        ('{"id": true, "body": "a", "gold": "x"}', "id: Input should be a valid string"),
        ('{"id": "", "body": "a", "gold": "x"}', "id: String should have at least 1"),
        ('{"id": "1", "body": 3, "gold": "x"}', "body: Input should be a valid string"),
        ('{"id": "1", "body": "a", "gold": "x", "weight": NaN}', "weight: Input should be "),
        ('{"id": "1", "body": "a", "gold": "x", "weight": 0}', "weight: Input should be greater"),
        ('{"id": "1", "body": "a", "gold": "x", "weight": -1}', "weight: Input should be greater"),
        ('{"id": "1", "body": "a", "gold": "x", "weight": Infinity}', "weight: Input should be"),
        ('{"id": "1", "body": "a", "gold": "x", "frame": "all"}', "frame: Input should be 'writ"),
        ('{"id": "1", "body": "a", "gold": "x", "split": "test"}', "split: Input should be 'dev"),
        ('{"id": "1", "body": "a", "gold": "x", "votes": ["y"]}', "votes: Input should be a val"),
        ('{"id": "1", "body": "a", "gold": ', "not JSON: Expecting value at column"),
        ('["id", "body"]', "not an object"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "sample.jsonl"
    path.write_text(f"{json.dumps(line(9))}\n\n{text}\n", encoding="utf-8")
    with pytest.raises(SourceError) as told:
        read_rows(path)
    assert str(told.value).startswith(f"{path}, line 3: {complaint}")


def test_a_file_that_is_missing_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read .*nowhere.jsonl"):
        load(tmp_path / "nowhere.jsonl")
    path = tmp_path / "sample.jsonl"
    path.write_bytes(b'{"id": "1", "body": "\xff", "gold": "x"}\n')
    with pytest.raises(SourceError, match="line 1: not UTF-8"):
        load(path)


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    lines = [line(n, gold=None) for n in range(5)]
    lines += [line(n, gold=LABELS[n % 2]) for n in range(5, 9)]
    sample = load(save_lines(tmp_path / "sample.jsonl", lines))
    assert (len(sample.rows), len(sample.labelled), sample.unlabelled) == (9, 4, 5)


def test_labelled_rows_stand_for_their_whole_stratum(tmp_path: Path) -> None:
    wide: dict[str, Any] = {"stratum": "a", "stratum_N": 900, "stratum_n": 3, "weight": 300.0}
    narrow: dict[str, Any] = {"stratum": "b", "stratum_N": 4, "stratum_n": 2, "weight": 2.0}
    lines = [
        line(1, **wide),
        line(2, **wide, gold=None) | {"gold": None},
        line(3, **wide) | {"gold": None},
        line(4, **narrow),
        line(5, **narrow) | {"gold": "pattern"},
    ]
    sample = load(save_lines(tmp_path / "sample.jsonl", lines))
    assert [row.weight for row in sample.rows] == [300, 300, 300, 2, 2]
    assert [row.weight for row in sample.labelled] == [900, 2, 2]
    assert sum(row.weight or 0 for row in sample.labelled) == 904
    assert [row.stratum_n for row in sample.labelled] == [1, 2, 2]


def test_rows_of_a_split_stand_for_all(tmp_path: Path) -> None:
    whole: dict[str, Any] = {"stratum_N": 100, "stratum_n": 4, "weight": 25.0}
    lines = [
        line(1, **whole, split="dev"),
        line(2, **whole, split="dev"),
        line(3, **whole, split="dev"),
        line(4, **whole, split="holdout") | {"gold": "pattern"},
    ]
    sample = load(save_lines(tmp_path / "sample.jsonl", lines))
    assert sample.splits == {Split.DEV, Split.HOLDOUT}
    assert [row.id for row in sample.split(Split.HOLDOUT)] == ["kb-4"]
    assert [row.weight for row in sample.split(Split.HOLDOUT)] == [100]
    assert sum(row.weight or 0 for row in sample.split(Split.DEV)) == pytest.approx(100)


def test_a_row_is_hashable_with_its_votes() -> None:
    row = LabelledItem(id="1", body="a", votes={"ann": "x"})
    assert len({row, replace(row), replace(row, votes={})}) == 2
