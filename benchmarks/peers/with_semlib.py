"""semlib: a session's `prompt` with a return type, its own limit of concurrency.

Its `map` ends with the first call that fails and returns nothing then, so each item is prompted by
itself, which is what `map` does inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from semlib import Session

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    prompts = task.prompts

    async def answer() -> Labels:
        session = Session(model=f"anthropic/{MODEL}", max_concurrency=task.concurrency)
        calls = [session.prompt(prompt, return_type=Answer) for prompt in prompts.values()]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        pairs = zip(prompts, answers, strict=True)
        return {key: one.label for key, one in pairs if isinstance(one, Answer)}

    return answer


if __name__ == "__main__":
    carry_out(prepare)
