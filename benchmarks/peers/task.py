"""What every peer is given: the same texts, labels, words and concurrency."""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "claude-haiku-4-5"
KEY = "sk-made-up"
MAX_TOKENS = 256
Label = Literal["left", "right", "up", "down", "forward", "back", "north", "south", "east", "west"]
LABELS: dict[Label, str] = {
    "left": "the text turns to the left-hand side of things",
    "right": "the text turns to the right-hand side of things",
    "up": "the text climbs: prices, hopes, temperatures",
    "down": "the text falls: prices, hopes, temperatures",
    "forward": "the text goes on to what comes next",
    "back": "the text goes back to what was before",
    "north": "the text is about the cold parts of the world",
    "south": "the text is about the warm parts of the world",
    "east": "the text is about where the sun rises",
    "west": "the text is about where the sun sets",
}
INSTRUCTIONS = "\n".join(
    [
        "Put the text into the one category that fits best, and say how sure you are.",
        "",
        *(f"{name}: {definition}" for name, definition in LABELS.items()),
    ]
)
WARM_UP = {key: f"id-{key} a text from before the clock starts" for key in (90_001, 90_002)}
_FIRST = 10_000  # five digits each, as the server reads the marker `id-12345`
_WORDS = ("river", "market", "engine", "letter", "garden", "signal", "winter", "harbour", "window")


class Answer(BaseModel):
    """What the tools with structured output are told to return."""

    label: Label
    confidence: float


@dataclass(frozen=True)
class Task:
    """One run of one peer. `folder` is empty, and gone afterwards."""

    texts: dict[int, str]
    base_url: str
    concurrency: int
    folder: Path

    @cached_property
    def prompts(self) -> dict[int, str]:
        """Instructions and text in one message, for tools that take a message a call."""
        return {key: f"{INSTRUCTIONS}\n\n{text}" for key, text in self.texts.items()}


def made_texts(count: int, *, seed: int) -> list[dict[str, int | str]]:
    """`count` records of a key and a text of about 400 characters, the same for the same seed."""
    numbers = random.Random(seed)  # noqa: S311 - texts, not secrets
    keys = range(_FIRST, _FIRST + count)
    return [{"id": key, "text": f"id-{key} {_prose(numbers)}"} for key in keys]


def read_task(arguments: Sequence[str] | None = None) -> Task:
    """The task that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    given = parser.parse_args(arguments)
    lines = given.texts.read_text(encoding="utf-8").splitlines()
    texts = {record["id"]: record["text"] for record in map(json.loads, lines)}
    return Task(texts, given.base_url, given.concurrency, Path.cwd())


def _prose(numbers: random.Random) -> str:
    return " ".join(numbers.choices(_WORDS, k=60))
