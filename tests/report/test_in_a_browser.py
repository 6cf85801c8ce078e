"""The page in a real browser, wide and narrow, light and dark."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kclassify.report.page import render_page
from tests.conftest import missing_service
from tests.report.browser import opened, program
from tests.report.evaluations import EVERY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("chromium")]
WIDTHS = (1400, 850, 768, 480, 360)

CLIPPED = """
[...document.querySelectorAll("svg[role=img] text")].flatMap(text => {
  const box = text.getBBox(), svg = text.ownerSVGElement.viewBox.baseVal;
  const inside = box.x >= svg.x - 1 && box.x + box.width <= svg.x + svg.width + 1
    && box.y >= svg.y - 1 && box.y + box.height <= svg.y + svg.height + 1;
  return inside || text.hasAttribute("transform") ? [] : [text.textContent];
})
"""
CUT = """
[...document.querySelectorAll(".moves, .heat, .pairs table, .strips")].filter(each =>
  each.getClientRects().length && !each.closest("details:not([open])")
  && each.getBoundingClientRect().right > each.closest(".scroll").getBoundingClientRect().right + 1
).map(each => each.outerHTML.slice(0, 80))
"""
SHOWN = """
[".moves", ".heat"].map(kind => [...document.querySelectorAll(kind)]
  .filter(each => each.getClientRects().length).length)
"""
WIDE = """
[...document.querySelectorAll("body *")].filter(each => !each.closest(".scroll")
  && !each.closest("svg") && each.getBoundingClientRect().right > innerWidth + 1
).map(each => each.outerHTML.slice(0, 80))
"""


@pytest.fixture
def chromium() -> None:
    """A browser, or a skip that says that there is none."""
    if program() is None:
        missing_service("Chromium", "PATH", "there is no program of that name")


async def looked_at(folder: Path, address: str, widths: tuple[int, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with opened(folder) as tab:
        for width in widths:
            for dark in (False, True):
                await tab.load(address, width=width, dark=dark)
                found.append(
                    {
                        "width": width,
                        "scrolls": await tab.value("document.documentElement.scrollWidth"),
                        "wide": await tab.value(WIDE),
                        "cut": await tab.value(CUT),
                        "shown": await tab.value(SHOWN),
                        "clipped": await tab.value(CLIPPED),
                        "requested": tab.requested,
                        "complaints": tab.complaints,
                        "ground": await tab.value(
                            "getComputedStyle(document.body).backgroundColor"
                        ),
                    }
                )
    return found


@pytest.mark.parametrize("name", sorted(EVERY))
def test_no_window_scrolls_sideways_and_nothing_is_fetched_or_complained_of(
    name: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(EVERY[name]()), encoding="utf-8")
    for look in asyncio.run(looked_at(tmp_path / "profile", page.as_uri(), WIDTHS)):
        assert look["scrolls"] == look["width"]
        assert look["wide"] == []
        assert look["clipped"] == []
        assert look["cut"] == []
        assert max(look["shown"]) <= 1
        assert look["requested"] == [page.as_uri()]
        assert look["complaints"] == []


def test_a_narrow_window_has_the_flows_and_the_matrix_in_full(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(EVERY["failed"]()), encoding="utf-8")
    for look in asyncio.run(looked_at(tmp_path / "profile", page.as_uri(), (1400, 480))):
        assert look["shown"] == [1, 1]


def test_light_and_dark_are_two_grounds(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(EVERY["passed"]()), encoding="utf-8")
    light, dark = asyncio.run(looked_at(tmp_path / "profile", page.as_uri(), (800,)))
    assert light["ground"] == "rgb(244, 246, 248)"
    assert dark["ground"] == "rgb(14, 17, 22)"


def test_a_script_that_got_into_the_page_would_not_run(tmp_path: Path) -> None:
    """The policy is a second fence behind the escaping; here the first one is torn down."""
    page = tmp_path / "report.html"
    planted = "<h1><script>document.title = 'pwned'</script><img src='http://127.0.0.1:9/x.png'>"
    text = render_page(EVERY["passed"]()).replace("<h1>", planted, 1)
    page.write_text(text, encoding="utf-8")

    async def looked() -> tuple[str, list[str], list[str]]:
        async with opened(tmp_path / "profile") as tab:
            await tab.load(page.as_uri(), width=800)
            return await tab.value("document.title"), tab.refused, tab.complaints

    title, refused, complaints = asyncio.run(looked())
    assert title.startswith("Pass")
    assert complaints
    assert refused == ["csp"]
