from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.writers.json_text import with_member, without_member

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c", "label", '"', "é"]), values)
indents = st.sampled_from([None, 0, 2])


@given(content=objects, value=values, indent=indents)
def test_a_member_is_set_as_in_a_dictionary(
    content: dict[str, object], value: object, indent: int | None
) -> None:
    text = json.dumps(content, indent=indent)
    found = json.loads(with_member(text, "label", json.dumps(value)))
    assert found == content | {"label": value}
    assert list(found) == list(content | {"label": value})


@given(content=objects, indent=indents, name=st.sampled_from(["a", "label", "é", "nix"]))
def test_a_member_is_removed_as_from_a_dictionary(
    content: dict[str, object], indent: int | None, name: str
) -> None:
    found = json.loads(without_member(json.dumps(content, indent=indent), name))
    assert found == {key: value for key, value in content.items() if key != name}


@given(content=objects, indent=indents)
def test_setting_what_is_there_changes_no_byte(
    content: dict[str, object], indent: int | None
) -> None:
    text = json.dumps(content | {"label": 1}, indent=indent)
    assert with_member(text, "label", "1") == text


def test_all_other_bytes_stay() -> None:
    text = '{"n":1.10,  "label" : "a" ,"\\u00e9": [1, 2]}\r\n'
    assert with_member(text, "label", '"b"') == text.replace('"a"', '"b"')
    assert with_member('{"n":1.10}\r\n', "label", '"b"') == '{"n":1.10, "label": "b"}\r\n'


def test_of_two_members_with_one_name_the_last_counts() -> None:
    assert with_member('{"a": 1, "a": 2}', "a", "3") == '{"a": 1, "a": 3}'
    assert without_member('{"a": 1, "b": 0, "a": 2}', "a") == '{"b": 0}'


@pytest.mark.parametrize("text", ["[]", "1", "", "{", '{"a": 1} {}'])
def test_anything_but_an_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        with_member(text, "a", "1")
