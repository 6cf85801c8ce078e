"""The comment on a pull request: what it says, and that no text breaks out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kclassify.report.markdown import MOST_CHARS, escaped, render_markdown
from tests.report import evaluations
from tests.report.evaluations import EVERY
from tests.report.reading import seen

OURS = {
    *("h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "strong", "sub", "br"),
}
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.mark.parametrize("name", sorted(EVERY))
def test_only_our_own_markup_comes_out_of_it(name: str) -> None:
    found = seen(RENDERER.render(render_markdown(EVERY[name]())))
    assert set(found.tags) <= OURS
    assert not found.attributes


@pytest.mark.parametrize("name", sorted(EVERY))
def test_its_size_is_bounded_and_it_is_the_same_each_time(name: str) -> None:
    text = render_markdown(EVERY[name]())
    assert len(text) < MOST_CHARS
    assert text == render_markdown(EVERY[name]())
    text.encode("utf-8")


def test_a_comment_with_far_too_much_to_say_says_where_the_rest_is() -> None:
    full = evaluations.passed()
    long = replace(full, comparisons=full.comparisons * 60)
    text = render_markdown(long)
    assert len(text) < MOST_CHARS
    assert text.rstrip().endswith("it is in the page.")


def test_it_begins_with_the_verdict_and_its_sentence() -> None:
    text = render_markdown(evaluations.failed())
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == "## Fail: tight"
    assert lines[1] == evaluations.failed().gate.sentence


def test_what_decides_is_in_it() -> None:
    words = seen(RENDERER.render(render_markdown(evaluations.failed()))).words
    for said in (
        "9 of 15 labelled writes into 'playbook' are wrong",
        "118 of 212 labelled writes are right (55.7%)",
        "tight (candidate) 400 92.8% (89.8\u201394.9%)",
        "labels 26 7 15 p < 0.001 <0.1%",
        "playbook 6 of 15 85%",
        "24 rows labelled differently, the first 10",
        "look 2 of 3 at the sealed holdout",
        "warning: flow: 1,960 rows would enter 'playbook'",
    ):
        assert said in words


def test_labels_still_needed_are_said() -> None:
    assert "Labels still needed: about 184." in render_markdown(evaluations.inconclusive())


def test_ten_flips_are_shown_each_on_a_line_of_its_own() -> None:
    found = seen(RENDERER.render(render_markdown(evaluations.passed())))
    folded = RENDERER.render(render_markdown(evaluations.passed())).split("<details>")[1]
    assert seen(folded.split("</details>")[0]).tags.count("li") == 10
    assert found.tags.count("details") == 1


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("@team/owners", "@team"),
        ("see #7", "#7"),
        ("https://evil.example", "https://"),
        ("www.evil.example", "www."),
        ("GH-12", "GH-12"),
        ("mailto:a@b.example", "mailto:"),
    ],
)
def test_what_a_site_links_on_its_own_is_broken(text: str, broken: str) -> None:
    shown = seen(RENDERER.render(f"x {escaped(text)}")).words
    assert broken not in shown
    assert shown.replace("\u200b", "") == f"x {text}"


@example("- a")
@example("+ a")
@example("= a")
@example("12. a")
@example("3) a")
@example("a | b")
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_no_text_is_markup(text: str) -> None:
    rendered = RENDERER.render(f"start\n\n{escaped(text)}\n\n| a |\n| --- |\n| {escaped(text)} |\n")
    found = seen(rendered)
    assert set(found.tags) <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert found.tags.count("tr") == 2
    assert found.tags.count("td") == 1
    before, cell = seen(rendered.split("<table>")[0]).words, seen(rendered.split("<td>")[1]).words
    assert before == f"start {cell}".rstrip()
