from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.verdict import Outcome, OutcomeKind, Usage, Verdict
from kclassify.errors import UsageError
from kclassify.evals.reply_cache import Reply, ReplyCache

REPLY = Reply(
    Outcome(
        OutcomeKind.JUDGED,
        Verdict("left", 0.625, "claude-x", Usage(100, 10, 3, 4)),
        usage=Usage(100, 10, 3, 4),
        body_chars_cut=7,
    ),
    0.25,
)
REFUSED = Reply(Outcome(OutcomeKind.REFUSED, detail="it would not", usage=Usage(5, 1)), 0.5)


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_reply_comes_back_as_it_was_in_another_process(tmp_path: Path) -> None:
    ReplyCache(tmp_path, "f").keep("d1", 0, REPLY)
    ReplyCache(tmp_path, "f").keep("d1", 1, REFUSED)
    again = ReplyCache(tmp_path, "f")
    assert again.find("d1", 0) == Reply(REPLY.outcome.as_recalled(), 0.25)
    assert again.find("d1", 1) == Reply(REFUSED.outcome.as_recalled(), 0.5)
    assert again.find("d1", 2) is None
    assert again.find("d2", 0) is None


def test_a_reply_to_one_question_is_no_reply_to_another(tmp_path: Path) -> None:
    ReplyCache(tmp_path, "f").keep("d1", 0, REPLY)
    assert ReplyCache(tmp_path, "g").find("d1", 0) is None


@given(cut=st.integers(min_value=1))
def test_a_file_that_was_cut_off_anywhere_keeps_the_whole_lines_and_can_be_added_to(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("replies")
    cache = ReplyCache(folder, "f")
    for repeat in range(3):
        cache.keep("d", repeat, REPLY)
    path = only_file(folder)
    content = path.read_bytes()
    path.write_bytes(content[: -(cut % len(content)) or None])
    torn = ReplyCache(folder, "f")
    lost = [repeat for repeat in range(3) if torn.find("d", repeat) is None]
    for repeat in lost:
        torn.keep("d", repeat, REPLY)
    mended = ReplyCache(folder, "f")
    assert all(mended.find("d", repeat) is not None for repeat in range(3))
    assert lost == list(range(3 - len(lost), 3))


def test_two_evaluations_may_add_to_the_same_replies(tmp_path: Path) -> None:
    one, other = ReplyCache(tmp_path, "f"), ReplyCache(tmp_path, "f")
    one.keep("d1", 0, REPLY)
    other.keep("d2", 0, REPLY)
    one.keep("d3", 0, REPLY)
    again = ReplyCache(tmp_path, "f")
    assert all(again.find(digest, 0) is not None for digest in ("d1", "d2", "d3"))


HEADER, KEPT = 0, 1


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        (HEADER, '"format":1', '"format":2'),
        (HEADER, '"f"', '"g"'),
        (KEPT, "0.625", "NaN"),
        (KEPT, "0.625", "null"),
        (KEPT, "0.625", "1.5"),
        (KEPT, "judged", "guessed"),
        (KEPT, '"detail"', '"details"'),
    ],
    ids=["format", "fingerprint", "nan", "none", "above 1", "kind", "field"],
)
def test_what_another_version_wrote_is_refused_and_the_way_out_named(
    tmp_path: Path, line: int, before: str, after: str
) -> None:
    ReplyCache(tmp_path, "f").keep("d1", 0, REPLY)
    lines = only_file(tmp_path).read_text().split()
    assert before in lines[line]
    lines[line] = lines[line].replace(before, after)
    refuse(tmp_path, lines)


def test_replies_without_a_header_and_lines_that_hold_something_else_are_refused(
    tmp_path: Path,
) -> None:
    ReplyCache(tmp_path, "f").keep("d1", 0, REPLY)
    header, kept = only_file(tmp_path).read_text().split()
    refuse(tmp_path, [kept])
    refuse(tmp_path, [header, "3"])


def refuse(folder: Path, lines: list[str]) -> None:
    only_file(folder).write_text("\n".join(lines))
    with pytest.raises(UsageError, match="kept by another version of kclassify: delete the folder"):
        ReplyCache(folder, "f")


def test_an_outage_is_never_kept(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path, "f")
    for kind in (OutcomeKind.TIMED_OUT, OutcomeKind.THROTTLED, OutcomeKind.UNAVAILABLE):
        with pytest.raises(ValueError, match="the provider gave none"):
            cache.keep("d", 0, Reply(Outcome(kind), 0.1))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        ReplyCache(tmp_path / "file" / "replies", "f").keep("d", 0, REPLY)


def test_each_line_says_what_it_holds(tmp_path: Path) -> None:
    ReplyCache(tmp_path, "f").keep("d1", 0, REPLY)
    header, line = only_file(tmp_path).read_text().split()
    assert json.loads(header) == {"format": 1, "fingerprint": "f"}
    assert json.loads(line)["label"] == "left"
