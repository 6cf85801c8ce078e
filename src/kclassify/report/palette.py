"""The colours of the page, light and dark, as CSS variables.

Right is blue and wrong is orange, which people who do not tell red from green tell apart too.
"""

from __future__ import annotations

LIGHT = {
    "paper": "#f4f6f8",
    "card": "#ffffff",
    "ink": "#1a1f26",
    "muted": "#59636e",
    "line": "#d5dbe1",
    "track": "#e9edf1",
    "good": "#0b62b0",
    "bad": "#b8470b",
    "plain": "#6b7682",
    "pass": "#0b6b57",
    "fail": "#a8290f",
    "doubt": "#7a5600",
    "on-badge": "#ffffff",
}
DARK = {
    "paper": "#0e1116",
    "card": "#171b21",
    "ink": "#e7eaee",
    "muted": "#a0abb7",
    "line": "#313943",
    "track": "#272e37",
    "good": "#6db5f5",
    "bad": "#f29a63",
    "plain": "#8a95a1",
    "pass": "#4cc3a2",
    "fail": "#ff8f73",
    "doubt": "#e3b341",
    "on-badge": "#0e1116",
}
HEAT_LEVELS = 5
_STRONGEST = {"light": 0.62, "dark": 0.5}


def heat_level(share: float) -> int:
    """0 for nothing, else 1 to `HEAT_LEVELS` for a share in (0, 1]."""
    return 0 if share <= 0 else min(HEAT_LEVELS, 1 + int(share * HEAT_LEVELS))


def variables(theme: str) -> dict[str, str]:
    """Every colour of a theme (`light` or `dark`) by the name of its variable."""
    base = LIGHT if theme == "light" else DARK
    heats = {
        f"{hue}-{level}": mixed(base[hue], base["card"], _STRONGEST[theme] * level / HEAT_LEVELS)
        for hue in ("good", "bad")
        for level in range(1, HEAT_LEVELS + 1)
    }
    return base | heats


def declarations(theme: str) -> str:
    """The variables of a theme as CSS."""
    return " ".join(f"--{name}: {colour};" for name, colour in variables(theme).items())


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of one colour in the other."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
