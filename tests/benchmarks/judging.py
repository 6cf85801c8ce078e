"""`Classifier.judge` alone, a semaphore around it, and nothing recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import KEY, LABELS, MAX_TOKENS, MODEL, Task
from kclassify import Category, Classifier, Item, Outcome, Taxonomy


def prepare(task: Task) -> Callable[[], Awaitable[Labels]]:
    active = tuple(Category(name=name, definition=text) for name, text in LABELS.items())

    async def answer() -> Labels:
        places = asyncio.Semaphore(task.concurrency)
        labels: Labels = {}

        async def ask(classifier: Classifier[str], key: int, text: str) -> None:
            async with places:
                outcome = await classifier.judge(Item(key=key, body=text))
            if isinstance(outcome, Outcome) and outcome.verdict is not None:
                labels[key] = outcome.verdict.label

        async with Classifier(
            Taxonomy[str]("benchmark", active),
            model=f"anthropic/{MODEL}",
            max_tokens=MAX_TOKENS,
            api_key=KEY,
            base_url=task.base_url,
            max_connections=task.concurrency,
        ) as classifier:
            await asyncio.gather(*(ask(classifier, *each) for each in task.texts.items()))
        return labels

    return answer


if __name__ == "__main__":
    carry_out(prepare)
