"""pydantic-ai: an agent with a typed output, a semaphore around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    model = AnthropicModel(MODEL, provider=AnthropicProvider(api_key=KEY, base_url=task.base_url))
    agent = Agent(
        model,
        output_type=Answer,
        instructions=INSTRUCTIONS,
        model_settings={"max_tokens": MAX_TOKENS},
    )

    async def answer() -> Labels:
        places = asyncio.Semaphore(task.concurrency)
        labels: Labels = {}

        async def ask(key: int, text: str) -> None:
            async with places:
                labels[key] = (await agent.run(text)).output.label

        calls = [ask(key, text) for key, text in task.texts.items()]
        await asyncio.gather(*calls, return_exceptions=True)
        return labels

    return answer


if __name__ == "__main__":
    carry_out(prepare)
