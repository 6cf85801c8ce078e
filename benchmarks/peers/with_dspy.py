"""DSPy: `Predict` over a typed signature, `batch` with as many threads as calls in flight."""

from __future__ import annotations

from collections.abc import Callable

import dspy

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, MAX_TOKENS, MODEL, Label, Task


class Labelling(dspy.Signature):
    __doc__ = INSTRUCTIONS

    text: str = dspy.InputField()
    label: Label = dspy.OutputField()
    confidence: float = dspy.OutputField()


def prepare(task: Task) -> Callable[[], Labels]:
    model = dspy.LM(
        f"anthropic/{MODEL}", api_base=task.base_url, api_key=KEY, max_tokens=MAX_TOKENS
    )
    # Its default adapter asks for marked text; this one for a JSON schema, as the others do.
    dspy.configure(lm=model, adapter=dspy.JSONAdapter())
    predict = dspy.Predict(Labelling)
    examples = [dspy.Example(text=text).with_inputs("text") for text in task.texts.values()]

    def answer() -> Labels:
        answers = predict.batch(
            examples,
            num_threads=task.concurrency,
            max_errors=len(examples) + 1,
            disable_progress_bar=True,
        )
        pairs = zip(task.texts, answers, strict=True)
        return {key: one.label for key, one in pairs if one is not None}

    return answer


if __name__ == "__main__":
    carry_out(prepare)
