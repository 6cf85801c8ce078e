"""langchain-anthropic: `abatch` over a chat model with structured output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from langchain_anthropic import ChatAnthropic

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    chat = ChatAnthropic(
        model=MODEL, max_tokens=MAX_TOKENS, base_url=task.base_url, api_key=KEY
    ).with_structured_output(Answer)
    questions = [[("system", INSTRUCTIONS), ("human", text)] for text in task.texts.values()]

    async def answer() -> Labels:
        answers = await chat.abatch(
            questions, config={"max_concurrency": task.concurrency}, return_exceptions=True
        )
        pairs = zip(task.texts, answers, strict=True)
        return {key: one.label for key, one in pairs if isinstance(one, Answer)}

    return answer


if __name__ == "__main__":
    carry_out(prepare)
