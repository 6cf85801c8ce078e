"""Files as sources: what is read, and what is said of a line that cannot be."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.errors import SourceError
from kclassify.ports import Survey
from kclassify.sources import CsvSource, JsonlSource, open_source

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '{"id": 1, "body": "one", "current": "old"}\n'


def written(folder: Path, content: str | bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def complaint(path: Path, **fields: Any) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(path, **fields).survey({"old"})
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ('{"id": 2,', ", line 2: not JSON: "),
        ("[1]", ", line 2: not an object"),
        ('{"id": 2}', ", line 2 has no field 'body'; there are: id"),
        ('{"body": "x"}', ", line 2 has no field 'id'; there are: body"),
        ('{"id": 1, "body": "x"}', ": the key 1 is there twice, in line 1 and line 2"),
        ('{"id": 1.5, "body": "x"}', ", line 2: the key 'id' is a fraction"),
        ('{"id": true, "body": "x"}', ", line 2: the key 'id' is true or false"),
        ('{"id": null, "body": "x"}', ", line 2: the key 'id' is missing"),
        ('{"id": "a\\u0000", "body": "x"}', ", line 2: the key 'id' is 'a\\x00'"),
        ('{"id": "\\ud800", "body": "x"}', ", line 2: the key 'id' is '\\ud800'"),
        ('{"id": 2, "body": ["x"]}', ", line 2: 'body' is a list, not text"),
        ('{"id": 2, "body": "x", "current": 3}', ", line 2: 'current' is a number, not text"),
        ("[" * 100_000, ", line 2: not JSON"),
        ('{"id": ' + "1" * 5000 + "}", ", line 2: not JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, second: str, told: str) -> None:
    assert complaint(written(tmp_path, GOOD + second + "\n")).startswith(told)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_byte_that_is_not_utf_8_is_named(tmp_path: Path, name: str) -> None:
    good = GOOD if name == "a.jsonl" else "id,body,current\n"
    path = written(tmp_path, good.encode() + b'"ab\xe9"\n', name)
    assert complaint(path) == ", line 2: not UTF-8: 0xe9 at byte 4 of the line"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,body\n1,x\n", " has no field 'current'; there are: id, body"),
        ("id,body,current,body\n", ", line 1: the field 'body' is there twice"),
        ("id,body,current\n1,x\n", ", line 2: 2 fields, where the header has 3"),
        ("id,body,current\n1,x,old,y\n", ", line 2: 4 fields, where the header has 3"),
        ("id,body,current\n,x,old\n", ", line 2: the key 'id' is empty"),
        ('id,body,current\n1,"a\nb",old\n1,x,old\n', ": the key '1' is there twice, in line 2 and"),
        ('id,body,current\n1,"x,old\n', ", line 2: not CSV: "),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, content: str, told: str) -> None:
    assert complaint(written(tmp_path, content, "a.csv")).startswith(told)


def test_a_label_that_no_line_has_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    told = ": no line has a field 'lable'; there are: id, body, current"
    assert complaint(path, current="lable") == told
    assert JsonlSource(path, current=None).survey(set()) == Survey(1)


def test_a_label_that_some_lines_lack_is_none_there(tmp_path: Path) -> None:
    source = JsonlSource(written(tmp_path, GOOD + '{"id": 2, "body": "two"}\n'))
    assert source.survey({"old"}) == Survey(2)
    assert [item.current for item in source.page(None, 9)] == ["old", None]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_empty_file_is_an_empty_source(tmp_path: Path, name: str) -> None:
    source = open_source(written(tmp_path, "", name))
    assert source.survey({"old"}) == Survey(0)
    assert list(source.page(None, 5)) == []


def test_a_missing_file_and_an_unknown_ending_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*nix\.jsonl"):
        open_source(tmp_path / "nix.jsonl")
    with pytest.raises(SourceError, match=r"\.csv, \.jsonl, \.ndjson"):
        open_source(tmp_path / "nix.xlsx")


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD.encode() + b'\r\n \n{"id": 2, "body": "two"}'
    source = open_source(written(tmp_path, content))
    assert [item.key for item in source.page(None, 9)] == [1, 2]
    assert [item.key for item in source.page(1, 9)] == [2]
    rows = open_source(written(tmp_path, b"\xef\xbb\xbfid,body,current\r\n\r\n1,x,\r\n", "a.csv"))
    assert [(item.key, item.current) for item in rows.page(None, 9)] == [("1", None)]


def test_lone_surrogates_in_a_body_can_be_sent_on(tmp_path: Path) -> None:
    (item,) = JsonlSource(written(tmp_path, '{"id": 1, "body": "a\\ud800\\u0000b"}')).page(None, 9)
    assert item.body == "a\N{REPLACEMENT CHARACTER}\0b"


def test_a_long_field_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, f"id,body,current\n1,{'x' * 300_000},old\n", "a.csv")
    (item,) = CsvSource(path).page(None, 1)
    assert len(item.body) == 300_000


def test_a_cursor_that_is_gone_says_that_the_file_changed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + '{"id": 2, "body": "two"}\n')
    source = JsonlSource(path)
    assert [item.key for item in source.page(None, 1)] == [1]
    path.write_text('{"id": 2, "body": "two"}\n{"id": 3, "body": "three"}\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"no line has the key 1 any more; restore .* --run NAME"):
        source.page(1, 1)
    assert [item.key for item in source.page(2, 1)] == [3]


def lines(count: int) -> str:
    return "".join(f'{{"id": {n}, "body": "text {n}"}}\n' for n in range(count))


def test_one_page_after_another_reads_each_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = JsonlSource(written(tmp_path, lines(1000)), current=None)
    parsed: list[str] = []
    original = json.loads

    def counting(text: str) -> Any:
        parsed.append(text)
        return original(text)

    monkeypatch.setattr(json, "loads", counting)
    after, found = None, 0
    while page := source.page(after, 50):
        after, found = page[-1].key, found + len(page)
    assert (found, len(parsed)) == (1000, 1000)


def test_a_new_process_finds_its_cursor(tmp_path: Path) -> None:
    path = written(tmp_path, lines(100))
    assert [item.key for item in JsonlSource(path, current=None).page(41, 2)] == [42, 43]


def test_a_survey_does_not_hold_the_file_in_memory(tmp_path: Path) -> None:
    peaks: list[int] = []
    for count in (5_000, 50_000):
        source = JsonlSource(written(tmp_path, lines(count)), current=None)
        tracemalloc.start()
        assert source.survey(set()).items == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
