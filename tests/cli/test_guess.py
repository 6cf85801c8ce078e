from __future__ import annotations

import pytest

from kclassify.cli.guess import Roles, Shape, guess
from kclassify.errors import SourceError


def shape(*texts: str, unique: tuple[str, ...] = ("id",)) -> Shape:
    return Shape("notes", (*unique, *texts), texts, unique)


@pytest.mark.parametrize(
    ("texts", "roles"),
    [
        (("title", "body", "category"), Roles("id", "title", "body", "category")),
        (("Body", "Label"), Roles("id", None, "Body", "Label")),
        (("content", "name", "kb_category"), Roles("id", "name", "content", "kb_category")),
        (("label", "current", "text"), Roles("id", None, "text", "current")),
        (("prose", "type"), Roles("id", None, "prose", "type")),
    ],
)
def test_columns_are_guessed_by_their_names(texts: tuple[str, ...], roles: Roles) -> None:
    assert guess(shape(*texts), Roles()) == roles


def test_what_is_named_is_taken_and_the_rest_guessed_from_what_is_left() -> None:
    found = guess(shape("body", "summary", "label"), Roles(body="summary"))
    assert found == Roles("id", None, "summary", "label")


def test_a_key_that_is_called_id_is_preferred() -> None:
    assert guess(shape("id", "body", "label", unique=("nr", "id")), Roles()).key == "id"


@pytest.mark.parametrize(
    ("texts", "unique", "role"),
    [
        (("body", "label"), (), "--key"),
        (("a", "b", "label"), ("id",), "--body"),
        (("body", "b"), ("id",), "--current"),
    ],
)
def test_what_cannot_be_told_is_asked_for(
    texts: tuple[str, ...], unique: tuple[str, ...], role: str
) -> None:
    with pytest.raises(SourceError, match=f"name it with {role}; it has: "):
        guess(shape(*texts, unique=unique), Roles())


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(SourceError, match="notes has no column 'headline'; it has: id, body"):
        guess(shape("body"), Roles(title="headline"))
