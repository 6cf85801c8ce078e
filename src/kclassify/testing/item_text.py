"""The item that a request asks about, found again between the prompt's fences."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256

from kclassify.core.fence import fenced

_FENCED = re.compile(
    r"<item-(?P<digest>[0-9a-fA-F]+)>\n"
    r"(?:<title>\n(?P<title>.*?)\n</title>\n)?"
    r"<body>\n(?P<body>.*?)\n</body>\n"
    r"</item-(?P=digest)>",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ItemText:
    """Title and body of one item, as the model was shown them, and the `instructions` with them."""

    title: str | None
    body: str
    instructions: str = ""

    @property
    def text(self) -> str:
        """Title and body with a blank line between, or the body alone."""
        return self.body if self.title is None else f"{self.title}\n\n{self.body}"

    @property
    def digest(self) -> str:
        """The sha256 of the body in UTF-8, as it was shown, as 64 hex digits."""
        return _digest(self.body)


def body_digest(body: str) -> str:
    """The key of a labels file for an item's body: 64 hex digits.

    It is the sha256, in UTF-8, of the body as kclassify's prompt shows it: what could pass for a
    tag of the fence is defused. For a body that holds no such thing it is the body's own sha256.
    """
    return _digest(fenced(body))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def find_item(user_text: str) -> ItemText | None:
    """The item fenced in the text of one user message, or None when there is no fence."""
    found = _FENCED.search(user_text)
    return None if found is None else ItemText(found["title"], found["body"])


def extract_item(user_text: str) -> ItemText:
    """The item fenced in the text of one user message; without a fence, the text is the body."""
    return find_item(user_text) or ItemText(None, user_text)


def item_asked(user_texts: list[str], instructions: str = "") -> ItemText:
    """The item of a conversation, given the texts of its user messages in order.

    `instructions` are the texts that came before them: the system's.

    The newest fenced one is taken, since a re-ask adds a message that has no fence.
    """
    for text in reversed(user_texts):
        item = find_item(text)
        if item is not None:
            return replace(item, instructions=instructions)
    return ItemText(None, user_texts[-1] if user_texts else "", instructions)
