"""Autolabel: its labelling agent, which asks for one item after the other, in plain text."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from autolabel import AutolabelDataset, LabelingAgent

from benchmarks.peers.measured import Labels, carry_out
from benchmarks.peers.task import INSTRUCTIONS, KEY, LABELS, MAX_TOKENS, Task


def prepare(task: Task) -> Callable[[], Labels]:
    configuration = {
        "task_name": "peers",
        "task_type": "classification",
        "dataset": {"label_column": "label", "delimiter": ","},
        "model": {
            "provider": "anthropic",
            "name": "claude-v1",  # it has prices for two models, and needs one
            "params": {
                "anthropic_api_url": task.base_url,
                "anthropic_api_key": KEY,
                "max_tokens_to_sample": MAX_TOKENS,
            },
        },
        "prompt": {
            "task_guidelines": INSTRUCTIONS,
            "labels": list(LABELS),
            "example_template": "Text: {text}\nLabel: {label}",
        },
    }
    agent = LabelingAgent(config=configuration, console_output=False)
    records = pd.DataFrame({"text": list(task.texts.values())})

    def answer() -> Labels:
        labelled = agent.run(AutolabelDataset(records, configuration), skip_eval=True)
        return dict(zip(task.texts, labelled.df["label_label"], strict=True))

    return answer


if __name__ == "__main__":
    carry_out(prepare)
