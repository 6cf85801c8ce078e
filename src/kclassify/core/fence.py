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
_OPENING = (
    r"<\u02c2\u1438\u16b2\u226a\u226e\u227a\u22d6\u2329\u276c\u276e\u2770\u27e8\u27ea\u2991\u29fc"
    r"\u3008\u300a\ufe64\uff1c"
)
# An entity may stand for a letter of the name, and for a few of the gaps between them; where one
# is escaped, each of its signs counts.
_MOST_LETTERS = 40
_ENTITY = r"&(?i:#\d{1,7}+|#x[0-9a-f]{1,6}+|[a-z]{2,8}+);?"
_COMMENT = r"<!--(?s:(?!-->).){0,80}-->"
_BETWEEN = rf"[{_GAP}]*+(?:{_COMMENT}[{_GAP}]*+){{0,2}}+"
_ESCAPED = r"\\(?i:u00|x|u\{0{0,4}+)(?i:3c)\}?|\\0?74|%(?:25){0,4}+3[cC]"
_TAG = re.compile(
    rf"(?:[{_OPENING}]|&(?i:amp;){{0,4}}+(?i:lt|#0*+60|#x0*+3c);?|{_ESCAPED})"
    rf"(?=((?:{_BETWEEN}(?:{_ENTITY}|[^{_GAP}{_OPENING}&])){{1,{_MOST_LETTERS}}}+))"
)
_ESCAPES = re.compile(r"(?i:\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%(?:25)*([0-9a-f]{2}))")
_COMMENTS = re.compile(_COMMENT)
_GAPS = re.compile(f"[{_GAP}]+")

# What is drawn like the letters of these names: Cyrillic, Greek, small capitals, Lisu, Cherokee,
# digits, letters with bars and hooks. Of i, l, 1 and | nobody can say which is which.
_DRAWN_LIKE = {
    "l": (
        "i1|\u0131\u0456\u03b9\u04cf\u026a\u029f\ua4f2\ua4e1\u13a5\u13de"
        "\u0142\u019a\u026b\u026c\u026d\u0268\u0269"
    ),
    "t": "\u0442\u03c4\u1d1b\ua4d4\u13a2\u0167\u01ab\u01ad\u0236\u0288\u1d75",
    "e": "\u0435\u03b5\u1d07\ua4f0\u13ac\u0247\u025b",
    "m": "\u043c\u03bc\u1d0d\ua4df\u13b7\u0271\u1d6f",
    "b": "\u0432\u044c\u03b2\u0299\ua4d0\u13f4\u0180\u0183\u0253\u1d6c",
    "o": "0\u043e\u03bf\u0585\u1d0f\ua4f3\u00f8\u0275",
    "d": "\u0501\u1d05\ua4d3\u13a0\u0111\u018c\u0221\u0256\u0257\u1d6d",
    "y": "\u0443\u04af\u03c5\u03b3\u028f\ua4ec\u13a9\u01b4\u024f\u0263\u1eff",
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
    characters that are not displayed, in letters that look the same, as an entity of HTML,
    escaped as in JSON or a URL, with a comment in it.
    """  # noqa: RUF002
    return _TAG.sub(_defused, _UNENCODABLE.sub("\ufffd", text))


def _defused(tag: re.Match[str]) -> str:
    return _QUOTED if _plain(tag[1]).startswith(_NAMES) else tag[0]


def _plain(text: str) -> str:
    bare = _ESCAPES.sub(lambda code: chr(int(code[1] or code[2] or code[3], 16)), text)
    letters = html.unescape(_COMMENTS.sub("", bare)).translate(_FRAMED)
    folded = unicodedata.normalize("NFKD", letters).casefold().translate(_LOOK_ALIKES)
    return _GAPS.sub("", folded)


_NAMES = tuple(_plain(name) for name in ("item-", "title", "body"))
