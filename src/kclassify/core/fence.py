"""Text of others, made unable to open or close the fence that it is put in."""

from __future__ import annotations

import html
import re
import unicodedata
from string import ascii_lowercase

_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")

# Within a tag these tell a reader nothing: white space, slashes, marks, what is not displayed.
_GAP = (
    r"\s/\\\u2044\u2215\u2571\u29f8\uff0f\x00-\x1f\x7f-\x9f\u0300-\u036f\u00ad\u061c\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2800\u3164"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffd\U000e0000-\U000e0fff"
)
_OPENING = r"<\u02c2\u1438\u16b2\u226e\u2329\u276c\u276e\u2770\u27e8\u2991\u29fc\u3008\ufe64\uff1c"
# An entity may stand for a letter of the name, and for a few of the gaps between them.
_MOST_LETTERS = 12
_ENTITY = r"&(?i:#\d{1,7}+|#x[0-9a-f]{1,6}+|[a-z]{2,8}+);?"
_TAG = re.compile(
    rf"(?:[{_OPENING}]|&(?i:amp;){{0,4}}+(?i:lt|#0*+60|#x0*+3c);?)"
    rf"(?=((?:[{_GAP}]*+(?:{_ENTITY}|[^{_GAP}{_OPENING}&])){{1,{_MOST_LETTERS}}}+))"
)
_GAPS = re.compile(f"[{_GAP}]+")

# What is drawn like the letters of these names: Cyrillic, Greek, small capitals, Lisu, Cherokee,
# digits. Of i, l, 1 and | nobody can say which is which.
_DRAWN_LIKE = {
    "l": "i1|\u0131\u0456\u03b9\u04cf\u026a\u029f\ua4f2\ua4e1\u13a5\u13de",
    "t": "\u0442\u03c4\u1d1b\ua4d4\u13a2",
    "e": "\u0435\u03b5\u1d07\ua4f0\u13ac",
    "m": "\u043c\u03bc\u1d0d\ua4df\u13b7",
    "b": "\u0432\u044c\u03b2\u0299\ua4d0\u13f4",
    "o": "0\u043e\u03bf\u0585\u1d0f\ua4f3",
    "d": "\u0501\u1d05\ua4d3\u13a0",
    "y": "\u0443\u04af\u03c5\u03b3\u028f\ua4ec\u13a9",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212",
}
_LETTERS_IN_A_FRAME = (0x1F150, 0x1F170, 0x1F1E6)
_LOOK_ALIKES = {ord(each): letter for letter, drawn in _DRAWN_LIKE.items() for each in drawn}
_FRAMED = {
    start + place: letter
    for start in _LETTERS_IN_A_FRAME
    for place, letter in enumerate(ascii_lowercase)
}
_QUOTED = "\u2039"


def fenced(text: str) -> str:
    """The text with nothing in it that could pass for a tag of a fence, or that no encoding takes.

    `‹` stands where such a tag began, however it was spelt: in another case, with gaps or
    characters that are not displayed, in letters that look the same, as an entity of HTML.
    """  # noqa: RUF002
    return _TAG.sub(_defused, _UNENCODABLE.sub("\ufffd", text))


def _defused(tag: re.Match[str]) -> str:
    return _QUOTED if _plain(tag[1]).startswith(_NAMES) else tag[0]


def _plain(text: str) -> str:
    letters = html.unescape(text).translate(_FRAMED)
    folded = unicodedata.normalize("NFKD", letters).casefold().translate(_LOOK_ALIKES)
    return _GAPS.sub("", folded)


_NAMES = tuple(_plain(name) for name in ("item-", "title", "body"))
