"""instructor alone, in the mode that it chooses for Anthropic, a semaphore around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anthropic
import instructor

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    async def answer() -> Labels:
        places = asyncio.Semaphore(task.concurrency)
        labels: Labels = {}

        async def ask(client: instructor.AsyncInstructor, key: int, text: str) -> None:
            async with places:
                answer = await client.chat.completions.create(
                    model=MODEL,
                    response_model=Answer,
                    max_tokens=MAX_TOKENS,
                    messages=[
                        {"role": "system", "content": INSTRUCTIONS},
                        {"role": "user", "content": text},
                    ],
                )
            labels[key] = answer.label

        async with anthropic.AsyncAnthropic(base_url=task.base_url, api_key=KEY) as library:
            client = instructor.from_anthropic(library)
            calls = [ask(client, key, text) for key, text in task.texts.items()]
            await asyncio.gather(*calls, return_exceptions=True)
        return labels

    return answer


if __name__ == "__main__":
    carry_out(prepare)
