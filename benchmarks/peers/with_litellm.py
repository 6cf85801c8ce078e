"""litellm: `acompletion` with a response format, a semaphore around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import litellm

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    async def answer() -> Labels:
        places = asyncio.Semaphore(task.concurrency)
        labels: Labels = {}

        async def ask(key: int, text: str) -> None:
            async with places:
                completion = await litellm.acompletion(
                    model=f"anthropic/{MODEL}",
                    api_base=task.base_url,
                    api_key=KEY,
                    max_tokens=MAX_TOKENS,
                    messages=[
                        {"role": "system", "content": INSTRUCTIONS},
                        {"role": "user", "content": text},
                    ],
                    response_format=Answer,
                )
            said = completion.choices[0].message.content
            labels[key] = Answer.model_validate_json(said).label

        calls = [ask(key, text) for key, text in task.texts.items()]
        await asyncio.gather(*calls, return_exceptions=True)
        return labels

    return answer


if __name__ == "__main__":
    carry_out(prepare)
