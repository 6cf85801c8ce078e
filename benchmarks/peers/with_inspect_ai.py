"""Inspect: an evaluation of one `generate` a sample, with a response schema and no scorer."""

from __future__ import annotations

from collections.abc import Callable

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, ResponseSchema, get_model
from inspect_ai.solver import generate, system_message
from inspect_ai.util import json_schema

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Answer, Task


def prepare(task: Task) -> Callable[[], Labels]:
    config = GenerateConfig(
        max_connections=task.concurrency,
        max_tokens=MAX_TOKENS,
        response_schema=ResponseSchema(name="answer", json_schema=json_schema(Answer)),
    )
    model = get_model(f"anthropic/{MODEL}", base_url=task.base_url, api_key=KEY, config=config)
    samples = [Sample(id=key, input=text) for key, text in task.texts.items()]
    labelling = inspect_ai.Task(
        dataset=MemoryDataset(samples), solver=[system_message(INSTRUCTIONS), generate()]
    )

    def answer() -> Labels:
        [log] = inspect_ai.eval(
            labelling,
            model=model,
            max_samples=task.concurrency,
            fail_on_error=False,
            display="none",
            log_dir=str(task.folder / "logs"),
        )
        answered = [sample for sample in log.samples or [] if sample.output.completion]
        return {
            int(sample.id): Answer.model_validate_json(sample.output.completion).label
            for sample in answered
        }

    return answer


if __name__ == "__main__":
    carry_out(prepare)
