"""Asks a server that speaks the OpenAI API, as Ollama and vLLM do (extra `openai`).

    export OPENAI_BASE_URL=http://localhost:11434/v1 OPENAI_API_KEY=ollama MODEL=qwen3
    python examples/openai_compatible.py

Without OPENAI_API_KEY it starts the stub API of kclassify.testing (extra `testing`) and asks that,
so that it runs offline.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

import anyio

from kclassify import Category, Classifier, Taxonomy
from kclassify.testing import Fixed, StubMessagesAPI

PLAYBOOK = Category(name="playbook", definition="ordered steps that get one task done")
PATTERN = Category(name="pattern", definition="a reusable shape of a solution")
TAXONOMY = Taxonomy[str]("articles", (PLAYBOOK, PATTERN))


async def ask(model: str, base_url: str | None, api_key: str) -> None:
    """Classify one text."""
    async with Classifier(
        TAXONOMY, model=f"openai/{model}", base_url=base_url, api_key=api_key
    ) as classifier:
        verdict = await classifier.classify("1. Stop the worker. 2. Start it again.", "Restart")
        print(f"{classifier.model} says {verdict.label} ({verdict.confidence:.2f})")


with ExitStack() as stack:
    key, base_url = os.environ.get("OPENAI_API_KEY"), os.environ.get("OPENAI_BASE_URL")
    if not key:
        stub = stack.enter_context(StubMessagesAPI(Fixed("playbook", 0.9)))
        key, base_url = "stub", f"{stub.url}/v1"
    anyio.run(ask, os.environ.get("MODEL", "qwen3"), base_url, key)
