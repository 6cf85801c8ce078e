"""The colours can be read: contrast as WCAG 2 computes it."""

from __future__ import annotations

from itertools import combinations

import pytest

from kclassify.report.palette import HEAT_LEVELS, channels, heat_level, mixed, variables

THEMES = ("light", "dark")
TEXTS = ("ink", "muted", "good", "bad", "pass", "fail", "doubt")


def luminance(colour: str) -> float:
    linear = [
        part / 12.92 if (part := value / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for value in channels(colour)
    ]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_defined() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_what_it_stands_on(theme: str) -> None:
    colours = variables(theme)
    pairs = [(text, ground) for text in TEXTS for ground in ("card", "paper")]
    pairs += [("on-badge", badge) for badge in ("pass", "fail", "doubt", "plain")]
    heats = [f"{hue}-{level}" for hue in ("good", "bad") for level in range(1, HEAT_LEVELS + 1)]
    pairs += [("ink", heat) for heat in heats]
    weak = {pair: contrast(*(colours[name] for name in pair)) for pair in pairs}
    assert {pair: found for pair, found in weak.items() if found < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_marks_can_be_seen_on_the_card(theme: str) -> None:
    colours = variables(theme)
    for mark in ("good", "bad", "plain", "pass", "ink"):
        assert contrast(colours[mark], colours["card"]) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_steps_of_heat_can_be_told_apart_and_grow(theme: str) -> None:
    colours = variables(theme)
    for hue in ("good", "bad"):
        steps = [colours["card"], *(colours[f"{hue}-{n}"] for n in range(1, HEAT_LEVELS + 1))]
        distances = [contrast(step, colours["card"]) for step in steps]
        assert distances == sorted(distances)
        assert all(contrast(one, other) > 1.05 for one, other in combinations(steps, 2))


@pytest.mark.parametrize("theme", THEMES)
def test_right_and_wrong_differ_for_people_who_do_not_tell_red_from_green(theme: str) -> None:
    """Machado, Oliveira and Fernandes 2009, full deuteranopia: distance in linear RGB."""
    seen = (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    )
    colours = variables(theme)
    good, bad = (
        [
            sum(w * v / 255 for w, v in zip(row, channels(colours[name]), strict=True))
            for row in seen
        ]
        for name in ("good", "bad")
    )
    assert sum((a - b) ** 2 for a, b in zip(good, bad, strict=True)) ** 0.5 > 0.35


def test_heat_has_a_level_for_every_share() -> None:
    assert [heat_level(share) for share in (0, 0.001, 0.2, 0.5, 0.999, 1)] == [0, 1, 2, 3, 5, 5]
    assert mixed("#ffffff", "#000000", 0.5) == "#808080"
