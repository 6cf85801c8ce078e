"""Text of others, made unable to open or close the fence that it is put in."""

from __future__ import annotations

import re
import unicodedata

_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")

# Within a tag these tell a reader nothing: white space, slashes, marks, what is not displayed.
_GAP = (
    r"\s/\\\u2044\u2215\u2571\u29f8\uff0f\x00-\x1f\x7f-\x9f\u0300-\u036f\u00ad\u061c\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2800\u3164"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffd\U000e0000-\U000e0fff"
)
_OPENING = r"<\u02c2\u1438\u226e\u2329\u276e\u2770\u27e8\u3008\ufe64\uff1c"
_LONGEST_NAME = len("title")
_TAG = re.compile(
    rf"(?:[{_OPENING}]|&(?i:lt|#0*+60|#x0*+3c);?)"
    rf"(?=((?:[{_GAP}]*+[^{_GAP}{_OPENING}&]){{1,{_LONGEST_NAME}}}+))"
)
_GAPS = re.compile(f"[{_GAP}]+")
_NAMES = ("item-", "title", "body")

# Cyrillic, Greek and others that are drawn like the letters of these names, and dashes.
_LOOK_ALIKES = str.maketrans(
    "\u0456\u03b9\u0131\u0442\u03c4\u0435\u03b5\u043c\u03bc\u04cf"
    "\u0432\u044c\u03b2\u043e\u03bf\u0585\u0501\u0443\u04af\u03c5\u03b3"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212",
    "iiitteemmlbbbooodyyyy--------",
)
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
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKES)
    return _GAPS.sub("", folded)
