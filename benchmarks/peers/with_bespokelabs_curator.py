"""Bespoke Curator: an `LLM` with a response format over a data set, on its litellm backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bespokelabs import curator

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import MAX_TOKENS, MODEL, Answer, Task


class Labeller(curator.LLM):
    response_format = Answer

    def prompt(self, input: dict[str, Any]) -> str:  # noqa: A002 - the tool's own name
        return str(input["prompt"])

    def parse(self, input: dict[str, Any], response: Answer) -> dict[str, Any]:  # noqa: A002
        return {"id": input["id"], "label": response.label}


def prepare(task: Task) -> Callable[[], Labels]:
    labeller = Labeller(
        model_name=f"anthropic/{MODEL}",
        backend="litellm",
        generation_params={"max_tokens": MAX_TOKENS},
        backend_params={
            "base_url": task.base_url,
            "max_concurrent_requests": task.concurrency,
            "max_requests_per_minute": 10_000_000,
            "max_tokens_per_minute": 10_000_000_000,
            "require_all_responses": False,
        },
    )
    records = [{"id": key, "prompt": prompt} for key, prompt in task.prompts.items()]

    def answer() -> Labels:
        return {row["id"]: row["label"] for row in labeller(records).dataset}

    return answer


if __name__ == "__main__":
    carry_out(prepare)
