"""New files: compare-and-set through the journal, and untouched bytes."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from kclassify.core.policy import Change
from kclassify.errors import WriterError
from kclassify.ports import Write, WriteResult
from kclassify.sources import open_source
from kclassify.writers import JsonlWriter

if TYPE_CHECKING:
    from pathlib import Path

    from kclassify.core.item import Key

WRITTEN, CONFLICT = WriteResult.WRITTEN, WriteResult.CONFLICT
JSONL = (
    b'\xef\xbb\xbf{"id": "a", "n": 1.10, "current": "old"}\r\n'
    b"\n"
    b'{"current":"old","id":"b","x":"\\u00e9"}\n'
    b'{"id": "c"}\n'
    b'{"id": "d", "current": null}'
)
CSV = b'\xef\xbb\xbfid,body,current\r\n"a","x, y",old\r\n\r\nb,"two\nlines",old\r\nc,z,\r\nd,"z",'


@pytest.fixture(params=["jsonl", "csv"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"in.{request.param}"
    path.write_bytes(JSONL if request.param == "jsonl" else CSV)
    return path


def writer(source: Path) -> JsonlWriter:
    return JsonlWriter(source, source.with_name(f"out{source.suffix}"))


def out(source: Path) -> bytes:
    return source.with_name(f"out{source.suffix}").read_bytes()


def journal(source: Path) -> Path:
    return source.with_name(f"out{source.suffix}.journal")


def write(
    key: Key, before: str | None, after: str, *, redo: bool = False, name: str | None = None
) -> Write:
    return Write(Change(key, before, after, 0.9), name or f"{key}-{after}", redo=redo)


def results(receipts: Any) -> list[WriteResult]:
    return [receipt.result for receipt in receipts]


def test_changed_labels_are_replaced_and_all_other_bytes_stay(source: Path) -> None:
    with closing(writer(source)) as made:
        made.check()
        writes = [write("a", "old", "né"), write("c", None, "new"), write("d", None, "new")]
        assert results(made.apply(writes, None)) == [WRITTEN] * 3
        made.finish()
    given = source.read_bytes()
    if source.suffix == ".csv":
        assert out(source) == (
            given.replace(b'"a","x, y",old', 'a,"x, y",né'.encode())
            .replace(b"c,z,", b"c,z,new")
            .replace(b'd,"z",', b"d,z,new")
        )
    else:
        assert out(source) == (
            given.replace(b'1.10, "current": "old"', '1.10, "current": "né"'.encode())
            .replace(b'{"id": "c"}', b'{"id": "c", "current": "new"}')
            .replace(b"null", b'"new"')
        )
    assert given == (CSV if source.suffix == ".csv" else JSONL)


def test_without_changes_the_new_file_is_a_copy(source: Path) -> None:
    with closing(writer(source)) as made:
        made.finish()
    assert out(source) == source.read_bytes()


def test_labels_that_are_not_as_read_are_conflicts(source: Path) -> None:
    with closing(writer(source)) as made:
        writes = [write("a", "other", "new"), write("c", "old", "new"), write("nix", "old", "new")]
        assert results(made.apply(writes, None)) == [CONFLICT] * 3
        assert not journal(source).exists()


def test_the_journal_counts_also_in_another_process(source: Path) -> None:
    for expected in (WRITTEN, CONFLICT):
        with closing(writer(source)) as made:
            found = made.apply([write("a", "old", "new", name=str(expected))], None)
            assert results(found) == [expected]
    with closing(writer(source)) as made:
        assert results(made.apply([write("a", "new", "newer")], None)) == [WRITTEN]
        made.finish()
    assert b"newer" in out(source)


def test_a_write_that_is_repeated_is_written_once(source: Path) -> None:
    for redo in (False, False, True):
        with closing(writer(source)) as made:
            again = [write("a", "old", "new", redo=redo, name="w1")]
            assert results(made.apply(again, None)) == [WRITTEN]
    assert len(journal(source).read_bytes().splitlines()) == 1
    with closing(writer(source)) as made:
        redone = [write("a", "old", "new", redo=True, name="another")]
        assert results(made.apply(redone, None)) == [WRITTEN]
        assert results(made.apply([write("a", "old", "new", name="third")], None)) == [CONFLICT]


def writer_bytes(source: Path, label: bytes) -> bytes:
    if source.suffix == ".csv":
        return source.read_bytes().replace(b'"a","x, y",old', b'a,"x, y",' + label)
    return source.read_bytes().replace(b'"old"}\r\n', b'"' + label + b'"}\r\n')


def test_a_rollback_gives_the_bytes_of_the_source(source: Path) -> None:
    writes = [write("a", "old", "new"), write("b", "old", "new"), write("d", None, "new")]
    with closing(writer(source)) as made:
        made.apply(writes, None)
        made.finish()
        assert out(source) != source.read_bytes()
    with closing(writer(source)) as made:
        later = made.apply([write("b", "new", "newer")], None)
        assert results(later) == [WRITTEN]
        assert results(made.revert(writes, None)) == [WRITTEN, CONFLICT, WRITTEN]
        assert results(made.revert([write("b", "new", "newer"), writes[1]], None)) == [WRITTEN] * 2
        made.finish()
    assert out(source) == source.read_bytes()


def test_what_was_rolled_back_can_be_written_again(source: Path) -> None:
    with closing(writer(source)) as made:
        for _ in range(2):
            assert results(made.apply([write("a", "old", "new")], None)) == [WRITTEN]
            assert results(made.revert([write("a", "old", "new")], None)) == [WRITTEN]
            assert results(made.revert([write("a", "old", "new")], None)) == [WRITTEN]
        made.finish()
    assert len(journal(source).read_bytes().splitlines()) == 4
    assert out(source) == source.read_bytes()


def test_a_line_that_a_crash_cut_off_is_dropped(source: Path) -> None:
    with closing(writer(source)) as made:
        made.apply([write("a", "old", "new"), write("b", "old", "new")], None)
    whole = journal(source).read_bytes()
    first = whole.index(b"\n") + 1
    for cut in (first, first + 1, len(whole) - 1):
        journal(source).write_bytes(whole[:cut])
        with closing(writer(source)) as made:
            writes = [write(key, "old", "new", name="next") for key in "ab"]
            assert results(made.apply(writes, None)) == [CONFLICT, WRITTEN]
        assert all(json.loads(line) for line in journal(source).read_bytes().splitlines())


def test_a_line_that_is_no_entry_is_named(source: Path) -> None:
    journal(source).write_bytes(b'{"key": 1}\n')
    with (
        closing(writer(source)) as made,
        pytest.raises(WriterError, match=r"journal, line 1: no entry of a journal"),
    ):
        made.apply([write("a", "old", "new")], None)


def test_a_source_that_changed_since_is_compared_with_what_it_is(source: Path) -> None:
    with closing(writer(source)) as made:
        made.apply([write("a", "old", "new")], None)
        source.write_bytes(source.read_bytes().replace(b"old", b"changed"))
        assert results(made.apply([write("a", "new", "x")], None)) == [CONFLICT]
        assert results(made.apply([write("a", "changed", "y")], None)) == [WRITTEN]
        made.finish()
    assert out(source) == writer_bytes(source, b"y").replace(
        b'"changed"}\r\n', b'"y"}\r\n'
    ).replace(b'"a","x, y",changed', b'a,"x, y",y')


def test_the_source_can_be_read_as_it_has_been_relabelled(source: Path, tmp_path: Path) -> None:
    body = "body" if source.suffix == ".csv" else "id"
    with closing(writer(source)) as made:
        items = made.relabelled(open_source(source, body=body))
        assert [item.current for item in items.page(None, 9)] == ["old", "old", None, None]
        made.apply([write("a", "old", "new"), write("c", None, "new")], None)
        assert [item.current for item in items.page(None, 9)] == ["new", "old", "new", None]
        assert [item.current for item in items.page("b", 1)] == ["new"]


def test_a_failed_finish_leaves_the_old_file(source: Path) -> None:
    with closing(writer(source)) as made:
        made.finish()
        before = out(source)
        made.apply([write("a", "old", "new")], None)
        whole = source.read_bytes()
        source.write_bytes(whole + b"\n\xff\n")
        with pytest.raises(Exception, match="not UTF-8"):
            made.finish()
    assert out(source) == before
    assert not list(source.parent.glob("*.draft"))


def test_a_file_that_somebody_else_made_is_never_replaced(source: Path) -> None:
    source.with_name(f"out{source.suffix}").write_bytes(b"precious")
    with closing(writer(source)) as made:
        for use in (made.check, made.finish, lambda: made.apply([write("a", "old", "new")], None)):
            with pytest.raises(WriterError, match=r"exists and was not written by this run: name"):
                use()
    assert out(source) == b"precious"
    assert not journal(source).exists()


def test_a_file_that_this_writer_made_is_replaced_though_nothing_had_changed(source: Path) -> None:
    for label in (None, "new"):
        with closing(writer(source)) as made:
            made.check()
            if label:
                made.apply([write("a", "old", label)], None)
            made.finish()
    assert out(source) == writer_bytes(source, b"new")


def test_the_file_that_is_read_is_never_written(source: Path) -> None:
    (source.parent / "sub").mkdir()
    with pytest.raises(WriterError, match="is the file that is read"):
        JsonlWriter(source, source.parent / "sub" / ".." / source.name)


@pytest.mark.parametrize(
    ("name", "told"), [("nix/out", "there is no folder"), ("out.txt", "the ending has to be")]
)
def test_a_place_that_cannot_be_written_is_refused(source: Path, name: str, told: str) -> None:
    path = source.parent / (name + source.suffix if "nix" in name else name)
    if source.suffix == ".jsonl" and told.startswith("the ending"):
        path = path.with_suffix(".csv")
    with pytest.raises(WriterError, match=told):
        JsonlWriter(source, path).check()


def test_a_field_that_a_csv_file_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(CSV)
    with pytest.raises(WriterError, match="no field 'nix'; there are: id, body, current"):
        JsonlWriter(path, tmp_path / "out.csv", current="nix").check()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks: list[int] = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.jsonl"
        path.write_text("".join(f'{{"id": {n}}}\n' for n in range(count)), encoding="utf-8")
        tracemalloc.start()
        with closing(JsonlWriter(path, tmp_path / "out.jsonl")) as made:
            for start in range(0, count, 500):
                made.apply([write(n, None, "new") for n in range(start, start + 500)], None)
            made.finish()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        (tmp_path / "out.jsonl.journal").unlink()
        (tmp_path / "out.jsonl").unlink()
    assert peaks[1] < peaks[0] + 200_000
