"""The page: what it says, that it is one file, and that nothing in it does anything."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from kclassify.core.evaluation import Evaluation
from kclassify.core.gate import GateVerdict
from kclassify.report.page import render_page
from tests.report import evaluations
from tests.report.evaluations import EVERY, TEN
from tests.report.reading import pictures, seen

OURS = {
    *("html", "head", "meta", "link", "title", "style", "body", "main", "header", "footer"),
    *("section", "article", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "div", "span"),
    *("b", "i", "bdi", "small", "code", "details", "summary", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "desc", "defs", "g", "path", "rect", "line", "circle", "text", "tspan", "use"),
    "clippath",
}


@pytest.fixture(params=sorted(EVERY))
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return EVERY[request.param]()


def test_the_same_evaluation_is_the_same_page(evaluation: Evaluation) -> None:
    assert render_page(evaluation) == render_page(evaluation)


def test_every_page_is_well_formed_and_complete(evaluation: Evaluation) -> None:
    page = render_page(evaluation)
    found = seen(page)
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert set(found.tags) <= OURS
    assert found.tags.count("h1") == 1


def test_a_page_fetches_nothing(evaluation: Evaluation) -> None:
    found = seen(render_page(evaluation))
    assert "default-src 'none'" in " ".join(found.values("content"))
    assert not {"script", "img", "iframe", "object", "base", "form"} & set(found.tags)
    assert found.tags.count("link") == 1
    assert found.tags.count("style") == 1
    assert all(value == "data:," or value.startswith("#") for value in found.values("href"))
    assert not found.values("src")
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    style = render_page(evaluation).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_no_attribute_holds_an_address(evaluation: Evaluation) -> None:
    found = seen(render_page(evaluation))
    assert not [value for _, value in found.attributes if value and "//" in value]


def test_every_picture_is_well_formed_and_says_what_it_is(evaluation: Evaluation) -> None:
    for picture in pictures(render_page(evaluation)):
        root = ET.fromstring(picture)  # noqa: S314 - our own page
        if root.get("aria-hidden") == "true":
            continue
        assert root.get("role") == "img"
        named = {element.get("id") for element in root if element.tag in {"title", "desc"}}
        assert named == set((root.get("aria-labelledby") or "").split())


def test_ids_are_unique_and_what_is_referred_to_is_there(evaluation: Evaluation) -> None:
    page = render_page(evaluation)
    found = seen(page)
    ids = Counter(found.values("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    inner = re.findall(r"url\(#([^)]*)\)", page)
    referred = {value[1:] for value in found.values("href") if value.startswith("#")} | set(inner)
    assert referred <= set(ids)


def test_pictures_take_their_colours_from_the_page(evaluation: Evaluation) -> None:
    for picture in pictures(render_page(evaluation)):
        assert not re.findall(r"#[0-9a-f]{6}\b", picture)


def test_a_page_is_small_however_many_categories_there_are() -> None:
    many = evaluations.of_77()
    long = replace(
        many, comparisons=tuple(evaluations.comparison(TEN, flips=3000) for _ in many.comparisons)
    )
    assert len(render_page(long).encode()) < 2_000_000


def test_a_megabyte_of_text_is_cut() -> None:
    full = evaluations.passed()
    flips = tuple(replace(flip, text="word " * 200_000) for flip in full.comparisons[0].flips)
    long = replace(full, comparisons=(replace(full.comparisons[0], flips=flips),))
    assert len(render_page(long).encode()) < 400_000


def test_the_first_thing_said_is_the_verdict_and_its_sentence() -> None:
    for verdict in GateVerdict:
        full = evaluations.evaluation(verdict)
        words = seen(render_page(full)).words
        assert full.gate.sentence in words[:500]
        assert {"pass": "Pass", "fail": "Fail"}.get(verdict.value, "Inconclusive") in words[:100]


def test_the_verdict_is_told_by_a_shape_too() -> None:
    drawn = {
        next(p for p in pictures(render_page(evaluations.evaluation(verdict))))
        for verdict in GateVerdict
    }
    assert len(drawn) == len(GateVerdict)


def test_sentence_then_pictures_then_tables() -> None:
    page = render_page(evaluations.passed())
    order = ["<h1>", 'class="figures"', 'class="strips impact"', 'class="moves broad"', "forest"]
    order += [
        'class="heat broad"',
        'id="threshold-title"',
        'id="reliability-title"',
        "changes its mind",
    ]
    order += ["checks of the gate", "Variants and baselines", "The sample", "fingerprint"]
    places = [page.index(mark, page.index("<body>")) for mark in order]
    assert places == sorted(places)


def test_every_figure_that_matters_is_on_the_page() -> None:
    full = evaluations.failed()
    words = seen(render_page(full)).words
    veto = full.vetoes[0]
    expected = [
        "118 of 212 labelled writes",
        "55.7%",
        "about 1,312 become right",
        "18,204 rows of the finished dry run",
        "playbook alarm 20 1,960",
        f"{veto.right} {veto.n} 40% (19.8\u201364.3%) 85%",
        "19 2 0.001",
        "26 7 15 p < 0.001",
        "+4.3 points (+1.1 to +7.8)",
        "13 of 400 rows got more than one label",
        "Brier score 0.2991 as it is, 0.1734 with it",
        "121 106 87.6%",
        "388 812 1,204,332 48,211 840 ms 2.6 s",
        "120 by one person, 240 by people who agreed, 31 decided by a third, 13 without a note",
        "look 2 of 3 at the sealed holdout",
        "824 labelled, 404 scored (split holdout), 12 without a label",
        "2 pairs of near duplicates lie in dev and in holdout",
        "31% 34% 31.8%",
        full.gate.fingerprint,
        full.sample.digest,
        full.gate.verdicts_digest,
        "claude-haiku-4-5",
        "leave it as it is",
        "kclassify 0.2.0",
        "timed out 3, refused 1",
    ]
    assert [each for each in expected if each not in words] == []


def test_every_check_stands_with_its_estimate_bound_target_n_alpha_and_method() -> None:
    full = evaluations.failed()
    words = seen(render_page(full)).words
    for check in full.gate.checks:
        assert check.detail in words
        assert check.method in words
    assert "0.9412 0.9134 0.9 204 0.1 fixed-sequence" in words


def test_every_flip_is_there_with_its_text_and_what_broke_comes_first() -> None:
    full = evaluations.passed()
    words = seen(render_page(full)).words
    places = {
        flip.kind: words.index(f"part {flip.id[-2:].lstrip('0') or 0} {flip.id}")
        for flip in reversed(full.comparisons[0].flips)
    }
    assert list(dict(sorted(places.items(), key=lambda pair: pair[1]))) == [
        "broken",
        "fixed",
        "still wrong",
    ]
    assert words.count("It was found the hard way.") == len(full.comparisons[0].flips)


def test_what_is_not_there_is_said_in_a_sentence() -> None:
    words = seen(render_page(evaluations.bare())).words
    for sentence in (
        "no labelled row would be written",
        "there is no second variant",
        "nothing was asked twice",
        "There is no finished dry run",
    ):
        assert sentence in words
    assert "None" not in words
    assert "nan" not in words


def test_the_labels_still_needed_are_a_key_figure() -> None:
    assert "Labels still needed about 184" in seen(render_page(evaluations.inconclusive())).words
    assert "Labels still needed" not in seen(render_page(evaluations.passed())).words


def test_few_categories_are_shown_in_full_and_many_are_folded() -> None:
    page = render_page(evaluations.passed())
    assert '<span class="broad"> The' not in page
    assert '<span class="narrow"> The 5 categories that are confused most are shown, 5' in page
    words = seen(render_page(evaluations.of_77())).words
    assert "The 12 categories that are confused most are shown, 60 others are put together" in words


def test_hostile_text_is_shown_and_does_nothing() -> None:
    page = render_page(evaluations.hostile())
    found = seen(page)
    assert evaluations.SCRIPT in found.words
    assert "script" not in found.tags
    assert "{{ 7 * 7 }}" in found.words
    assert not set(page) & set("\u202e\u2066\x00\x1b\x07\ud800")
    page.encode("utf-8")


def test_no_text_becomes_an_attribute() -> None:
    found = seen(render_page(evaluations.hostile()))
    held = " ".join(value or "" for _, value in found.attributes)
    assert "pwned" not in held
    assert "team" not in held


def test_a_planted_unescaped_text_is_found() -> None:
    """The parser that these tests rest on sees a script when there is one."""
    page = render_page(evaluations.passed()).replace("<h1>", f"<h1>{evaluations.SCRIPT}", 1)
    assert "script" in seen(page).tags
