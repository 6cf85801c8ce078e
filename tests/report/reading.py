"""A page as a reader's program sees it: its elements, its attributes, its words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Seen(HTMLParser):
    """What a parser of HTML meets. `words` is the text outside of the style sheet."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.texts.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def seen(html: str) -> Seen:
    found = Seen()
    found.feed(html)
    found.close()
    return found


def pictures(html: str) -> list[str]:
    """The SVG elements of a page, nested ones within theirs."""
    found: list[str] = []
    depth, start = 0, 0
    for mark in re.finditer(r"<svg\b|</svg>", html):
        if mark.group() == "</svg>":
            depth -= 1
            if depth == 0:
                found.append(html[start : mark.end()])
        else:
            start = start if depth else mark.start()
            depth += 1
    return found
