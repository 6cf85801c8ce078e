"""What of a provider's message may be told of a request whose item's text is not at hand.

An item's text may be quoted in it, so that only words that are the provider's own pass.
"""

from __future__ import annotations

import re

_FIELD = (
    r"(?:(?:requests|params|messages|content|system|model|max_tokens|output_config|format|schema|"
    r"cache_control|text|type|ttl|custom_id|\d{1,6})\.?){1,12}"
)
_COMPLAINT = (
    r"(?:Extra inputs are not permitted|Field required|(?:must|should) be unique|Input should be "
    r"(?:a valid [a-z]{1,12}|(?:less|greater) than (?:or equal to )?\d{1,12}))"
)
_OWN_WORDS = re.compile(
    rf"prompt is too long(?:: \d{{1,12}} tokens > \d{{1,12}} maximum)?"
    rf"|maximum context length|context (?:window|length)|too many tokens"
    rf"|credit balance is too low|reached your specified (?:workspace )?API usage limits"
    rf"|organi[sz]ation has been disabled|account (?:is|has been) (?:disabled|deactivated)"
    rf"|Overloaded|Internal server error|{_FIELD}: {_COMPLAINT}",
    re.IGNORECASE,
)


def own_words(message: str) -> str:
    """What of a message is the provider's own, "" when nothing surely is."""
    found = _OWN_WORDS.search(message)
    return found.group() if found else ""
