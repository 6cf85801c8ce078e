"""The floor: Anthropic's own SDK, `messages.create` as it comes, nothing recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anthropic

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    schema = {**Answer.model_json_schema(), "additionalProperties": False}

    async def answer() -> Labels:
        places = asyncio.Semaphore(task.concurrency)
        labels: Labels = {}

        async def ask(client: anthropic.AsyncAnthropic, key: int, text: str) -> None:
            async with places:
                message = await client.messages.create(
                    model=MODEL,
                    max_tokens=MAX_TOKENS,
                    system=INSTRUCTIONS,
                    messages=[{"role": "user", "content": text}],
                    output_config={"format": {"type": "json_schema", "schema": schema}},
                )
            said = next(block.text for block in message.content if block.type == "text")
            labels[key] = Answer.model_validate_json(said).label

        async with anthropic.AsyncAnthropic(base_url=task.base_url, api_key=KEY) as client:
            calls = [ask(client, key, text) for key, text in task.texts.items()]
            await asyncio.gather(*calls, return_exceptions=True)
        return labels

    return answer


if __name__ == "__main__":
    carry_out(prepare)
