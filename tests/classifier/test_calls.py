from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import anyio
import pytest

from kclassify.classifier import Classifier
from kclassify.classifier.connect import Connection
from kclassify.classifier.redaction import Redaction
from kclassify.core.decision import Halt
from kclassify.core.item import Item
from kclassify.core.verdict import Outcome, OutcomeKind, Usage
from kclassify.errors import ClassifierHalted, NoVerdict, UsageError
from kclassify.testing import (
    BrokenJson,
    Hang,
    Overloaded,
    Refusal,
    StubMessagesAPI,
    Unauthorized,
    WrongLabel,
)
from tests.classifier.canned import canned, error_body, message_body
from tests.classifier.taxonomy import ITEM, KEY, TAXONOMY, Topic

PASSWORD = "made-up-password"


def classifier(stub: StubMessagesAPI, **settings: Any) -> Classifier[Topic]:
    return Classifier(TAXONOMY, base_url=stub.url, api_key=KEY, **settings)


async def outcome_of(stub: StubMessagesAPI, **settings: Any) -> Outcome[Topic]:
    async with classifier(stub, **settings) as made:
        outcome = await made.judge(ITEM)
    assert not isinstance(outcome, Halt)
    return outcome


async def test_a_verdict_has_label_confidence_model_and_usage(stub: StubMessagesAPI) -> None:
    async with classifier(stub) as made:
        verdict = await made.classify("First this, then that.", "Rotate")
    assert verdict.label is Topic.PLAYBOOK
    assert verdict.confidence == 0.9
    assert verdict.model == "claude-haiku-4-5"
    assert verdict.usage.input_tokens > 0
    assert verdict.usage.output_tokens > 0


async def test_the_model_of_a_verdict_is_the_one_that_answered() -> None:
    with canned(200, message_body('{"label": "quote", "confidence": 1}')) as url:
        async with Classifier(TAXONOMY, base_url=url, api_key=KEY) as made:
            verdict = await made.classify("text")
    assert verdict.model == "claude-haiku-4-5-20251001"
    assert verdict.usage == Usage(10, 3)


async def test_classify_raises_the_outcome_by_name(stub: StubMessagesAPI) -> None:
    stub.script([Refusal(), Unauthorized()])
    async with classifier(stub) as made:
        with pytest.raises(NoVerdict) as refused:
            await made.classify("text")
        with pytest.raises(ClassifierHalted, match="set ANTHROPIC_API_KEY"):
            await made.classify("text")
        with pytest.raises(NoVerdict, match="empty"):
            await made.classify("  ")
    assert refused.value.kind == OutcomeKind.REFUSED
    assert not isinstance(refused.value, ClassifierHalted)


async def test_the_usage_of_both_questions_is_counted_once(stub: StubMessagesAPI) -> None:
    alone = (await outcome_of(stub)).usage
    stub.clear()
    stub.script([BrokenJson()])
    both = await outcome_of(stub)
    second = stub.requests[1].body or {}
    stub.clear()
    assert both.verdict is not None
    assert both.verdict.usage == both.usage
    assert both.usage.input_tokens > 2 * alone.input_tokens  # the second holds the first and more
    assert both.usage.input_tokens < 2 * alone.input_tokens + len(str(second["messages"][-1]))
    assert both.usage.output_tokens > alone.output_tokens


async def test_the_usage_of_an_answer_is_kept_when_the_second_question_fails(
    stub: StubMessagesAPI,
) -> None:
    stub.script([BrokenJson(), Overloaded()])
    assert (await outcome_of(stub)).usage.input_tokens > 0
    stub.script([BrokenJson(), Hang()])
    timed_out = await outcome_of(stub, timeout_s=1)
    assert timed_out.kind is OutcomeKind.TIMED_OUT
    assert timed_out.usage.input_tokens > 0


async def test_the_provider_library_retries_nothing(stub: StubMessagesAPI) -> None:
    stub.set_fault(Overloaded())
    assert (await outcome_of(stub)).kind is OutcomeKind.UNAVAILABLE
    assert stub.count == 1


async def test_cancellation_gets_through_and_the_connection_is_given_back(
    stub: StubMessagesAPI,
) -> None:
    stub.script([Hang()])
    async with classifier(stub, max_connections=1) as made:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.judge, ITEM)
            await anyio.to_thread.run_sync(lambda: stub.wait_until(lambda s: s.in_flight == 1))
            tasks.cancel_scope.cancel()
        assert tasks.cancel_scope.cancelled_caught
        assert (await made.classify("text")).label is Topic.PLAYBOOK


async def test_as_many_calls_as_asked_for_run_at_once(stub: StubMessagesAPI) -> None:
    stub.set_fault(Hang())
    async with classifier(stub) as made, anyio.create_task_group() as tasks:
        for number in range(150):
            tasks.start_soon(made.judge, Item(key=number, body=f"text {number}"))
        await anyio.to_thread.run_sync(lambda: stub.wait_until(lambda s: s.in_flight == 150))
        tasks.cancel_scope.cancel()


async def test_an_application_sees_none_of_instructors_error_logging(
    stub: StubMessagesAPI, caplog: pytest.LogCaptureFixture
) -> None:
    stub.script([Overloaded(), WrongLabel(), WrongLabel()])
    with caplog.at_level(logging.INFO):
        await outcome_of(stub)
        await outcome_of(stub)
    assert [r for r in caplog.records if r.name.startswith("instructor")] == []
    with caplog.at_level(logging.INFO):
        logging.getLogger("instructor.v2.retry").error("of the application's own calls")
    assert "of the application's own calls" in caplog.text


async def test_no_detail_holds_a_key_or_the_items_text(stub: StubMessagesAPI) -> None:
    echo = f"key {KEY} and sk-other-key-123456 said:\n{ITEM.body}"
    for status, shown in ((400, True), (401, False), (529, True)):
        with canned(status, error_body("odd", echo)) as url:
            async with Classifier(TAXONOMY, base_url=url, api_key=KEY) as made:
                outcome = await made.judge(ITEM)
        text = outcome.reason if isinstance(outcome, Halt) else outcome.detail
        assert ("withheld" in text) == shown
        assert not any(secret in text for secret in (KEY, "sk-other", "First this", "\n"))
    stub.set_fault(WrongLabel(ITEM.body))
    assert (await outcome_of(stub)).detail == "[withheld: it quotes the item]"


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "openai/gpt-x"])
async def test_nothing_of_the_classifier_shows_a_key_when_it_is_printed(model: str) -> None:
    url = f"http://user:{PASSWORD}@x.invalid/v1"
    how = Connection(api_key=KEY, base_url=url, max_tokens=1, max_connections=1, timeout_s=1)
    async with Classifier(TAXONOMY, model=model, base_url=url, api_key=KEY) as made:
        redaction = Redaction((KEY,), (ITEM.body,))
        shown = repr([made, vars(made), how, redaction, made._provider])
    assert "Connection(max_tokens=1" in shown
    assert "Redaction()" in shown
    assert not any(secret in shown for secret in (KEY, PASSWORD, ITEM.body))


async def test_a_library_that_cannot_run_under_trio_says_so(
    stub: StubMessagesAPI, anyio_backend_name: str
) -> None:
    async with classifier(stub) as made:
        object.__setattr__(made._provider_here(), "takes_trio", False)
        if anyio_backend_name == "trio":
            with pytest.raises(UsageError, match="anthropic's library runs under asyncio only"):
                await made.judge(ITEM)
        else:
            assert not isinstance(await made.judge(ITEM), Halt)


def test_the_fingerprint_holds_all_that_can_change_a_verdict_and_nothing_else() -> None:
    base = Classifier(TAXONOMY, api_key=KEY)
    other = type(TAXONOMY)("other", TAXONOMY.categories, (), TAXONOMY.label_type)
    different = [
        Classifier(other, api_key=KEY),
        Classifier(TAXONOMY, api_key=KEY, model="claude-opus-4-1"),
        Classifier(TAXONOMY, api_key=KEY, model="openai/claude-haiku-4-5"),
        Classifier(TAXONOMY, api_key=KEY, max_tokens=1023),
        Classifier(TAXONOMY, api_key=KEY, max_body_chars=15_000),
        Classifier(TAXONOMY, api_key=KEY, may_abstain=True),
        Classifier(TAXONOMY, api_key=KEY, instructions="Sort."),
    ]
    fingerprints = {made.fingerprint for made in (base, *different)}
    assert len(fingerprints) == len(different) + 1
    same = Classifier(
        TAXONOMY,
        model="claude-haiku-4-5",
        api_key="x",
        base_url="http://x.invalid",
        timeout_s=1,
        max_connections=7,
    )
    assert same.fingerprint == base.fingerprint
    assert base.model == "anthropic/claude-haiku-4-5"


def test_importing_the_classifiers_imports_no_provider() -> None:
    code = (
        "import sys, kclassify.classifier as c; c.Classifier, c.LocalClassifier, c.choose_model\n"
        "heavy = {'anthropic', 'instructor', 'openai', 'sklearn', 'numpy', 'httpx2', 'sqlmodel'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"


async def test_a_provider_that_does_not_say_which_model_answered_is_taken_at_its_word() -> None:
    unnamed = {**message_body('{"label": "quote", "confidence": 1}'), "model": ""}
    with canned(200, unnamed) as url:
        async with Classifier(TAXONOMY, base_url=url, api_key=KEY) as made:
            assert (await made.classify("text")).model == "claude-haiku-4-5"
