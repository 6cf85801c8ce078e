from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anthropic
import openai

from kclassify.core.price import Price
from kclassify.core.verdict import Usage
from kclassify.testing import (
    BadRequest,
    BatchRules,
    BillLine,
    BrokenBody,
    BrokenJson,
    Fault,
    Fixed,
    FixedLatency,
    Hang,
    LostReply,
    Overloaded,
    Refusal,
    Reset,
    ResetAtOnce,
    StubMessagesAPI,
    Throttled,
    Trickle,
    Truncation,
    WrongLabel,
)
from tests.testing.asking import MODEL, arguments, ask, fenced
from tests.testing.test_stub_batches import client
from tests.testing.test_stub_cache import SYSTEM, block
from tests.testing.test_stub_records import call

D = Decimal
ODD = Price("odd", D("1.0001"), D("5"), D("1.25"), D("2"), D("0.1"), D("0.5"), 100)
PRICES = {"odd": ODD}


def stub_with(**options: Any) -> StubMessagesAPI:
    return StubMessagesAPI(Fixed("pattern"), prices=PRICES, **options)


def used_by(message: anthropic.types.Message) -> Usage:
    used = message.usage
    return Usage(
        used.input_tokens,
        used.output_tokens,
        used.cache_creation_input_tokens or 0,
        used.cache_read_input_tokens or 0,
    )


def test_each_answer_is_billed_once_and_rounded_up_by_itself() -> None:
    with stub_with() as stub:
        usages = [used_by(ask(stub, "x" * n, model="odd")) for n in range(5)]
        (line,) = stub.bill.lines
    assert line == BillLine(
        "odd", "direct", 5, sum(usages, Usage()), sum(ODD.cost(one) for one in usages)
    )
    assert line.nanodollars != ODD.cost(line.usage), "rounded once, not one by one"


def test_what_is_sent_is_billed_and_what_is_refused_is_not() -> None:
    billed: list[Fault] = [Refusal(), Truncation(), WrongLabel(), BrokenJson(), BrokenBody()]
    billed += [Reset(), Trickle(1), LostReply()]
    others: list[Fault] = [ResetAtOnce(), Hang(), Overloaded(), Throttled(), BadRequest()]
    with stub_with() as stub, client(stub) as asked:
        for number, fault in enumerate([*billed, *others]):
            stub.script([fault])
            with suppress(anthropic.APIError, ValueError):
                asked.messages.create(**arguments(model="odd"), timeout=0.1)
            assert stub.bill.answers == min(number + 1, len(billed)), fault


def test_a_client_that_left_before_the_answer_is_not_billed() -> None:
    with stub_with(latency=FixedLatency(30)) as stub, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, stub, model="odd", timeout=0.1)
        assert isinstance(asking.exception(), anthropic.APITimeoutError)
        stub.wait_until(lambda state: state.outcomes == {"disconnected": 1})
        assert stub.bill.lines == ()


def test_what_is_cached_has_prices_of_its_own() -> None:
    with stub_with() as stub:
        usages = []
        for ttl in ("5m", "5m", "1h"):
            text = SYSTEM if ttl == "5m" else SYSTEM + ttl
            usages.append(used_by(ask(stub, model="odd", system=[block(text, ttl)])))
        written, read, longer = usages
        assert (written.cache_write_tokens > 0, read.cache_read_tokens > 0) == (True, True)
        expected = ODD.cost(written) + ODD.cost(read) + ODD.cost(longer, one_hour=True)
        assert stub.bill.nanodollars == expected
        assert stub.bill.usage == written + read + longer


def test_an_answer_that_writes_entries_of_both_lifetimes_pays_for_each() -> None:
    price = Price("odd", D(0), D(0), D(1), D(3), D(0), None, 0)
    with StubMessagesAPI(Fixed("pattern"), prices={"odd": price}) as stub:
        used = ask(stub, model="odd", system=[block("a" * 40, "1h"), block("b" * 79, "5m")]).usage
        assert used.cache_creation_input_tokens == 30
        assert stub.bill.nanodollars == (10 * 3 + 20 * 1) * 1000


def test_a_batch_is_billed_at_its_factor_and_only_what_succeeded() -> None:
    rules = BatchRules(expire_share=0.3, error_share=0.3, seed=1)
    requests: Any = [
        {"custom_id": f"{n}", "params": arguments("x" * n, model="odd")} for n in range(30)
    ]
    with stub_with(batch_rules=rules) as stub:
        with anthropic.Anthropic(base_url=stub.url, api_key="key", max_retries=0) as client:
            batch = client.messages.batches.create(requests=requests)
            results = [each.result for each in client.messages.batches.results(batch.id)]
            list(client.messages.batches.results(batch.id))
        usages = [used_by(result.message) for result in results if result.type == "succeeded"]
        assert 0 < len(usages) < 30
        cost = sum(ODD.cost(one, batch=True) for one in usages)
        assert stub.bill.lines == (
            BillLine("odd", "batch", len(usages), sum(usages, Usage()), cost),
        )


def test_the_prices_are_those_of_the_package_and_hold_for_dated_names() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        first = used_by(ask(stub, model=MODEL))
        for name in (f"{MODEL}-20251001", "nobody-knows"):
            ask(stub, model=name)
        plain, dated, unknown = stub.bill.lines
    assert plain.nanodollars == first.input_tokens * 1000 + first.output_tokens * 5000
    assert (dated.nanodollars, unknown.nanodollars) == (plain.nanodollars, None)
    assert stub.bill.nanodollars == 2 * (plain.nanodollars or 0)


def test_chat_completions_are_billed_too() -> None:
    messages: Any = [{"role": "user", "content": fenced("a")}]
    with stub_with() as stub:
        with openai.OpenAI(base_url=f"{stub.url}/v1", api_key="key", max_retries=0) as client:
            used = client.chat.completions.create(model="odd", messages=messages).usage
        assert used is not None
        assert used.prompt_tokens_details is not None
        assert used.prompt_tokens_details.cached_tokens == 0
        (line,) = stub.bill.lines
    assert line.usage == Usage(used.prompt_tokens, used.completion_tokens)
    assert line.nanodollars == ODD.cost(line.usage)


def test_other_processes_read_the_bill_over_http_and_a_clear_begins_a_new_one() -> None:
    with stub_with() as stub:
        ask(stub, model="odd")
        bill = call(f"{stub.url}/__stub__/bill")
        assert bill["nanodollars"] == stub.bill.nanodollars > 0
        (line,) = bill["lines"]
        assert (line["model"], line["transport"], line["answers"]) == ("odd", "direct", 1)
        assert line["usage"]["input_tokens"] == stub.bill.usage.input_tokens
        call(f"{stub.url}/__stub__/clear", None)
        assert stub.bill.lines == ()
