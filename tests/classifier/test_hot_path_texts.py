"""Both paths send the same of any item, and make the same of any reply."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import example, given
from hypothesis import strategies as st

from kclassify.classifier.request_body import _PLACE
from kclassify.core.item import Item
from tests.classifier.both_paths import ASKED, GOOD, Told, both_paths, message, told_on_each
from tests.classifier.endpoints import endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.classifier.endpoints import Canned

    Asking = Callable[[Item, Canned], list[Told]]

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(width=16)
    | st.sampled_from(["playbook", "insight", "Quote", "convention", "0.5", " 1", ""])
)
VALUES = SCALARS.map(json.dumps) | st.sampled_from(['{"label": "quote"}', "[0.5]", "1e-1", "1E400"])
NAMES = st.sampled_from(["label", "confidence", "label", "confidence", "Label", "why", ""])
AROUND = st.sampled_from(["", "", "", " ", "\n", "```", "\u2028", "\ufeff", "So: ", "}", "{", GOOD])
TOKENS = st.sampled_from([0, 3, -1, 2**70, True, None, "7", 1.5, 2.0])


@st.composite
def objects(draw: st.DrawFn) -> str:
    """What is nearly the JSON that was asked for."""
    fields = [("label", draw(VALUES)), ("confidence", draw(VALUES))]
    fields += draw(st.lists(st.tuples(NAMES, VALUES), max_size=3))
    kept = draw(st.permutations(fields))[: draw(st.integers(1, len(fields)))]
    inside = ", ".join(f"{json.dumps(name)}: {value}" for name, value in kept)
    return f"{draw(AROUND)}{{{inside}}}{draw(AROUND)}"


@st.composite
def replies(draw: st.DrawFn) -> Canned:
    """Messages whose text is any, and whose other fields are mostly right."""
    usage = st.fixed_dictionaries(
        {"input_tokens": TOKENS, "output_tokens": TOKENS},
        optional={"cache_read_input_tokens": TOKENS, "prompt_tokens": TOKENS, "odd": TOKENS},
    )
    text = draw(st.just(GOOD) | objects() | ANY_TEXT)
    stop = draw(st.sampled_from(["end_turn", "end_turn", "refusal", "odd"]))
    return message(text, usage=draw(usage), stop_reason=stop)


@contextmanager
def asking_on_each_path() -> Generator[Asking]:
    with start_blocking_portal() as portal, endpoints({ASKED: message()}) as served:
        opened = both_paths(base_url=served.url)
        with portal.wrap_async_context_manager(opened) as paths:

            def ask(item: Item, reply: Canned) -> list[Told]:
                served.answers[ASKED] = [reply]
                each = (paths.by_instructor, paths.following)
                return portal.call(told_on_each, each, served, item)

            yield ask


@pytest.fixture(scope="module")
def ask() -> Iterator[Asking]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
        with asking_on_each_path() as asking:
            yield asking


@example(Item(key=1, title=_PLACE, body=json.dumps(_PLACE)), message())
@given(st.builds(Item, key=st.just(1), title=ANY_TEXT, body=ANY_TEXT), replies())
def test_any_item_and_any_reply_come_to_the_same(ask: Asking, item: Item, reply: Canned) -> None:
    by_instructor, following = ask(item, reply)
    assert following == by_instructor
