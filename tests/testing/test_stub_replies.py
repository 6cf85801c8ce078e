from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kclassify.core.item import Item
from kclassify.core.window import PROBE
from kclassify.prompt import Prompt
from kclassify.testing import (
    ByDigest,
    Fixed,
    ItemText,
    LognormalLatency,
    NoAnswerError,
    Random,
    Rule,
    StubMessagesAPI,
    body_digest,
    extract_item,
)
from kclassify.testing.shape import AnswerShape, shape_in, shape_of
from tests.classifier.taxonomy import TAXONOMY
from tests.testing.asking import LABELS, MODEL, ask, ask_async, fenced, said, schema

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = st.text(st.characters(exclude_characters="<", exclude_categories=["Cs"]))


def digest(body: str) -> str:
    return sha256(body.encode()).hexdigest()


@given(body=PLAIN, title=st.none() | PLAIN)
def test_an_item_is_found_between_its_fences(body: str, title: str | None) -> None:
    assert extract_item(fenced(body, title)) == ItemText(title, body)


def test_markup_in_a_body_stays_in_the_body() -> None:
    body = "<p>one</p>\n</body>\n</item-ffff>\n<body>\ntwo\n</body>"
    assert extract_item(fenced(body, "T")).body == body


@given(PLAIN)
def test_without_fences_the_whole_message_is_the_body(text: str) -> None:
    assert extract_item(text) == ItemText(None, text)


def test_a_re_ask_is_about_the_item_of_the_first_message() -> None:
    conversation = [
        {"role": "user", "content": [{"type": "text", "text": fenced("the item")}]},
        {"role": "assistant", "content": "not json"},
        {"role": "user", "content": "That was no JSON. Again."},
    ]
    replies = ByDigest({digest("the item"): "pattern"})
    with StubMessagesAPI(replies) as stub:
        assert json.loads(said(ask(stub, messages=conversation)))["label"] == "pattern"


def test_a_rule_sees_title_body_and_the_labels_on_offer() -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []

    def rule(text: str, labels: tuple[str, ...]) -> tuple[str, float]:
        seen.append((text, labels))
        return labels[-1], 0.25

    with StubMessagesAPI(Rule(rule)) as stub:
        message = ask(stub, messages=[{"role": "user", "content": fenced("body", "title")}])
    assert seen == [("title\n\nbody", LABELS)]
    assert json.loads(said(message)) == {"label": "playbook", "confidence": 0.25}


async def test_the_answer_echoes_the_model_and_counts_tokens() -> None:
    with StubMessagesAPI(Fixed("pattern")) as stub:
        first, second = await ask_async(stub, "x" * 4000), await ask_async(stub)
    assert first.model == MODEL
    assert first.usage.input_tokens == len(fenced("x" * 4000)) // 4
    assert first.usage.output_tokens == len(said(first)) // 4
    assert first.id != second.id


def test_random_answers_depend_on_seed_and_text_alone() -> None:
    bodies = [f"body {number}" for number in range(40)]
    with StubMessagesAPI(Random(7)) as one, StubMessagesAPI(Random(7)) as two:
        forward = {body: said(ask(one, body)) for body in bodies[:10]}
        backward = {body: said(ask(two, body)) for body in reversed(bodies[:10])}
    assert forward == backward
    drawn = {Random(7).answer(ItemText(None, body), LABELS) for body in bodies}
    assert {answer.label for answer in drawn} == set(LABELS)
    assert all(0.5 <= answer.confidence <= 1.0 for answer in drawn)
    assert drawn != {Random(8).answer(ItemText(None, body), LABELS) for body in bodies}


def test_random_answers_need_an_enum() -> None:
    with (
        StubMessagesAPI(Random(1)) as stub,
        pytest.raises(anthropic.BadRequestError, match="no enum"),
    ):
        ask(stub, output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})


@pytest.mark.parametrize("name", ["labels.json", "labels.jsonl"])
def test_a_labels_file_answers_by_the_digest_of_the_body(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "labels.json":
        entries = {digest("één"): "pattern", digest("b"): {"label": "decision", "confidence": 0.3}}
        path.write_text(json.dumps(entries), encoding="utf-8")
    else:
        lines: list[dict[str, object]] = [
            {"body": "één", "label": "pattern", "id": 7},
            {"digest": digest("b"), "label": "decision", "confidence": 0.3},
        ]
        path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    with StubMessagesAPI(ByDigest(path, confidence=0.8)) as stub:
        assert json.loads(said(ask(stub, "één"))) == {"label": "pattern", "confidence": 0.8}
        assert json.loads(said(ask(stub, "b"))) == {"label": "decision", "confidence": 0.3}
        with pytest.raises(anthropic.BadRequestError, match=digest("other")):
            ask(stub, "other")
        assert stub.state.outcomes == {"answered": 2, "unanswerable": 1}


def test_a_digest_without_label_can_be_answered_otherwise() -> None:
    replies = ByDigest({digest("a"): ("pattern", 0.1)}, otherwise=Fixed("decision", 0.2))
    assert replies.answer(ItemText(None, "a"), ()) == ("pattern", 0.1)
    assert replies.answer(ItemText(None, "b"), ()) == ("decision", 0.2)


def shown(body: str) -> ItemText:
    return extract_item(Prompt(TAXONOMY).render(Item(key=1, body=body)).user)


def labels_file(folder: Path, *lines: dict[str, str]) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_a_probe_is_answered_though_no_label_is_given_for_it() -> None:
    probe = Prompt(TAXONOMY).render(PROBE).user
    with StubMessagesAPI(ByDigest({})) as stub:
        answer = json.loads(said(ask(stub, messages=[{"role": "user", "content": probe}])))
        with pytest.raises(anthropic.BadRequestError):
            ask(stub, "no probe")
    assert answer["label"] in LABELS
    assert 0 <= answer["confidence"] <= 0.1


def test_a_label_that_is_given_for_a_probe_is_its_answer() -> None:
    replies = ByDigest({digest(PROBE.body): ("pattern", 0.7)})
    assert replies.answer(shown(PROBE.body), LABELS) == ("pattern", 0.7)


@pytest.mark.parametrize("body", ["a <title> b", "</body>\n</item-ff>", "nul \x00"])
def test_a_body_is_known_again_after_the_prompt_defused_it(tmp_path: Path, body: str) -> None:
    assert shown(body).body != body
    path = labels_file(tmp_path, {"body": body, "label": "pattern"})
    assert ByDigest(path).answer(shown(body), LABELS).label == "pattern"
    given = ByDigest({body_digest(body): "decision"})
    assert given.answer(shown(body), LABELS).label == "decision"
    assert given.answer(ItemText(None, body), LABELS).label == "decision"


def test_a_digest_in_a_labels_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    body = "a <title> b"
    replies = ByDigest(labels_file(tmp_path, {"digest": digest(body), "label": "pattern"}))
    assert replies.answer(ItemText(None, body), LABELS).label == "pattern"
    with pytest.raises(NoAnswerError):
        replies.answer(shown(body), LABELS)


def test_every_body_of_a_real_corpus_is_known_again(shared_data: Path) -> None:
    path = shared_data / "knowledge-dev.jsonl"
    articles = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    replies = ByDigest(path)
    wrong = [
        article["id"]
        for article in articles
        if replies.answer(shown(article["body"]), LABELS).label != article["label"]
    ]
    assert len(articles) > 1_000
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"label": "a", "body": "b"}\n{"label": 1}', "line 2: label: .*string"),
        ('{"label": "a"}', "line 1: neither digest nor body"),
        ("nonsense", "line 1: Invalid JSON"),
    ],
)
def test_a_bad_labels_file_is_named_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"labels.jsonl, {fault}"):
        ByDigest(path)


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        (schema(("a", "b")), AnswerShape(("a", "b"))),
        (
            {
                "properties": {
                    "reason": {"type": "string"},
                    "topic": {"enum": ["a"]},
                    "sure": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                },
                "required": ["reason", "topic", "sure"],
            },
            AnswerShape(("a",), "topic", "sure", {"reason": ""}),
        ),
        (
            {
                "$defs": {"T": {"const": "only"}},
                "properties": {"t": {"allOf": [{"$ref": "#/$defs/T"}]}},
            },
            AnswerShape(("only",), "t"),
        ),
        (
            {"$defs": {"T": {"$ref": "#/$defs/T"}}, "properties": {"t": {"$ref": "#/$defs/T"}}},
            AnswerShape(),
        ),
    ],
    ids=["pydantic", "other names", "one label", "endless reference"],
)
def test_the_shape_of_an_answer_is_read_from_the_schema(
    asked: dict[str, Any], shape: AnswerShape
) -> None:
    assert shape_of(asked) == shape
    assert shape_in(f"{{not this}} but:\n{json.dumps(asked, indent=1)}\n{{}}") == shape


def test_a_tool_of_the_messages_api_is_called_with_the_answer() -> None:
    tool = {"name": "Verdict", "input_schema": schema()}
    with StubMessagesAPI(Fixed("pattern", 0.4)) as stub:
        message = ask(stub, output_config={}, tools=[tool], tool_choice={"type": "any"})
    (block,) = message.content
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("Verdict", {"label": "pattern", "confidence": 0.4})
    assert message.stop_reason == "tool_use"


def test_lognormal_latency_repeats_itself_and_keeps_its_median_mean_and_cut() -> None:
    latency = LognormalLatency(0.06, 0.8, 0.8, seed=3)
    drawn = [latency.seconds(index) for index in range(20_000)]
    assert drawn[:50] == [LognormalLatency(0.06, 0.8, 0.8, seed=3).seconds(i) for i in range(50)]
    assert drawn[:50] != [LognormalLatency(0.06, 0.8, 0.8, seed=4).seconds(i) for i in range(50)]
    assert sorted(drawn)[10_000] == pytest.approx(0.06, rel=0.03)
    assert sum(drawn) / len(drawn) == pytest.approx(latency.mean, rel=0.03)
    assert max(drawn) == 0.8


def test_an_answer_takes_the_time_that_the_latency_says() -> None:
    asked: list[int] = []

    class Noting:
        mean = 0.0

        def seconds(self, index: int) -> float:
            asked.append(index)
            return 30.0 if index == 2 else 0.0

    with StubMessagesAPI(Fixed("pattern"), latency=Noting()) as stub:
        ask(stub)
        ask(stub)
        with pytest.raises(anthropic.APITimeoutError):
            ask(stub, timeout=0.1)
        state = stub.wait_until(lambda state: state.in_flight == 0)
    assert asked == [0, 1, 2]
    assert state.outcomes == {"answered": 2, "disconnected": 1}
