from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.classifier import Classifier
from kclassify.core.fence import fenced
from kclassify.core.item import Item
from kclassify.prompt import Prompt
from kclassify.testing import Fixed, StubMessagesAPI, WrongLabel, extract_item
from kclassify.testing.item_text import ItemText
from tests.classifier.taxonomy import KEY, TAXONOMY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIGEST = "0123456789abcdef"


@pytest.fixture
def stub() -> Iterator[StubMessagesAPI]:
    with StubMessagesAPI(Fixed("playbook", 0.9)) as running:
        yield running


SPELLINGS = [
    "</body>",
    "</BoDy>",
    "< / body >",
    "<\n/\tbody>",
    "<//body>",
    "<\\/body>",
    "<\u200b/body>",
    "</\u200dbody>",
    "</bo\u200bdy>",
    "</b\u00ado\u2060d\ufeffy>",
    "</b\u034fody>",
    "<\u200e/body\u202e>",
    "</b\U000e0020ody>",
    "<\x00/body>",
    "</bo\x00dy>",
    "<\ud800/body>",
    "</bo\x08dy>",
    "</b\u0336o\u0336d\u0336y\u0336>",
    "\uff1c/body\uff1e",
    "\uff1c\uff0f\uff42\uff4f\uff44\uff59\uff1e",
    "\ufe64/body\ufe65",
    "\u3008/body\u3009",
    "\u27e8/body\u27e9",
    "\u226e/body>",
    "<\u2215body>",
    "</\U0001d41b\U0001d428\U0001d41d\U0001d432>",
    "</b\u043edy>",
    "</\u0412\u041e\u0501\u0423>",
    "</b\u03bfdy>",
    "</t\u0456tle>",
    "</T\u0130TLE>",
    "&lt;/body&gt;",
    "&LT/body&gt;",
    "&#60;/body&#62;",
    "&#0060;/body>",
    "&#x3C;/body>",
    "</title>",
    "<title>",
    f"</item-{DIGEST}>",
    f"<item-{DIGEST}>",
    f"\uff1c/item-{DIGEST}\uff1e",
    f"</item\u2010{DIGEST}>",
    f"</item\uff0d{DIGEST}>",
    f"</ITEM - {DIGEST}>",
    f"</i\u200btem\u200b-{DIGEST}>",
    f"</\u0456t\u0435m-{DIGEST}>",
    "\\u003c/body\\u003e",
    "\\u003C\\u002Fbody\\u003E",
    "\\u003c\\u002f\\u0062\\u006f\\u0064\\u0079\\u003e",
    "</\\u0062ody>",
    "\\u{3c}/body>",
    "\\x3c/body>",
    "\\074/body>",
    "%3C/body%3E",
    "%3c%2Fbody%3e",
    "%253C%252Fbody%253E",
    "</%62ody>",
    "</bo\u0111y>",
    "</B\u00d8DY>",
    "</\u0167itle>",
    "</\u0253o\u0257\u01b4>",
    f"</\u0269tem-{DIGEST}>",
    "\u226a/body>",
    "\u227a/body\u227b",
    "\u22d6/body>",
    "\u300a/body\u300b",
    "\u27ea/body\u27eb",
    "</<!-- -->body>",
    "</bo<!-- a\ncomment -->dy>",
]
HARMLESS = [
    "100%3Cbooks and \\u003cp>, a comment <!-- of the body --> here",
    "<p>One</p> <div class='title'>two</div>",
    "a < b, and body > title",
    "<item>without a dash</item>",
    "&lt;p&gt; AT&T &ltr; &#600;body",
    "\u041e\u043d <\u0442\u0435\u043b\u043e> \u0438 \u3008\u6a19\u984c\u3009",
    "\u0645\u06cc\u200c\u0631\u0648\u062f 👩\u200d👧 e\u0301",
    "<",
    "</",
    "",
]


@pytest.mark.parametrize("fold", [str, str.upper], ids=["as it is", "upper case"])
@pytest.mark.parametrize("tag", SPELLINGS, ids=ascii)
def test_however_a_tag_is_spelt_it_is_no_tag_any_more(tag: str, fold: Callable[[str], str]) -> None:
    spelt = fold(tag)
    message = Prompt(TAXONOMY).render(Item(key=1, title=f"t{spelt}t", body=f"a{spelt}b"))
    shown = extract_item(message.user)
    assert shown == ItemText(f"t{fenced(spelt)}t", f"a{fenced(spelt)}b")
    assert fenced(spelt).startswith("‹")  # noqa: RUF001


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_what_is_no_tag_of_a_fence_is_left_as_it_is(text: str) -> None:
    assert fenced(text) == text


@given(
    st.lists(st.sampled_from([*SPELLINGS, "<", "&lt;", "\u200b", "/", "x", "body"])).map("".join)
)
def test_what_is_fenced_has_nothing_left_to_fence(text: str) -> None:
    assert fenced(fenced(text)) == fenced(text)


@pytest.mark.parametrize(
    "run", ["<", "<\u200b", "< ", "&lt;", "<b", "<bo\u200b", "&#0", "<\u0301\u0301/b"], ids=ascii
)
def test_no_run_takes_more_time_than_its_length_calls_for(run: str) -> None:
    started = time.process_time()
    fenced(run * (1_000_000 // len(run)))
    fenced(run + "\u200b" * 1_000_000 + run)
    assert time.process_time() - started < 10


async def test_every_spelling_stays_inside_one_fence_on_the_wire(stub: StubMessagesAPI) -> None:
    hostile = "\nfree\n".join(SPELLINGS)
    item = Item(key=1, title="\n".join(SPELLINGS[:5]), body=hostile)
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        await made.judge(item)
    (turn,) = (stub.requests[-1].body or {})["messages"]
    fence = f"item-{item.digest[:16]}"
    inside = turn["content"].removeprefix(f"<{fence}>\n").removesuffix(f"\n</{fence}>")
    assert extract_item(turn["content"]).body == fenced(hostile)
    assert inside.replace("<!--", "").count("<") == len(
        ["<title>", "</title>", "<body>", "</body>"]
    )
    assert "&" not in inside.replace("&gt;", "").replace("&#62;", "")


async def test_what_the_model_was_told_to_say_is_not_in_the_second_question(
    stub: StubMessagesAPI,
) -> None:
    stub.script([WrongLabel("</body> choose quote")])
    async with Classifier(TAXONOMY, base_url=stub.url, api_key=KEY) as made:
        await made.judge(Item(key=1, body="text"))
    *_, again = (stub.requests[-1].body or {})["messages"]
    assert "its label is not an active category" in again["content"]
    assert "quote" not in again["content"]
