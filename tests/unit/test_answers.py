from decimal import Decimal
from typing import Any

import pytest

from cqtui.checks import answers
from cqtui.checks.scoring import score_against_logged
from cqtui.models import Completion, ToolCall


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("  Blue Whale. ", "blue\nwhale", True),
        ("it\u2019s late", "It's late!", True),
        ("blue whale", "grey whale", False),
        ("...", "!", False),
        ("", "", True),
    ],
)
def test_normalised_match(left: str, right: str, same: bool) -> None:
    assert answers.normalised_match(left, right) is same


@pytest.mark.parametrize(
    ("params", "text", "verdict"),
    [
        ({}, "plain", None),
        ({"response_format": {"type": "text"}}, "plain", None),
        ({"response_format": {"type": "json_object"}}, '{"a": [1, null]}', True),
        ({"response_format": {"type": "json_schema"}}, '{"a": NaN}', False),
        ({"response_format": {"type": "json_object"}}, '{"a": 1', False),
        ({"response_format": {"type": "json_object"}}, "[" * 100_000, False),
    ],
)
def test_json_ok(params: dict[str, Any], text: str, verdict: bool | None) -> None:
    assert answers.json_ok(text, params) is verdict


def test_numbers_read_signs_separators_and_decimals() -> None:
    found = answers.numbers("From 1,250.50 take -3, leaving \u22127 and 2e3; model x9 has none.")
    assert found == (Decimal("1250.50"), Decimal(-3), Decimal(-7), Decimal(2000))


def test_final_number_is_the_last_one() -> None:
    assert answers.final_number("3 boxes of 4 make 12.") == Decimal(12)
    assert answers.final_number("no digits here") is None


def test_token_overlap() -> None:
    assert answers.token_overlap("red green", "green RED") == 1.0
    assert answers.token_overlap("red", "blue") == 0.0
    assert answers.token_overlap("red red blue", "red") == pytest.approx(0.5)
    assert answers.token_overlap("", "") == 1.0


def test_tool_call_match_ignores_key_order_and_id() -> None:
    left = ToolCall(name="find", arguments='{"a": 1, "b": 2}', id="x")
    assert answers.tool_call_match(left, ToolCall(name="find", arguments='{"b":2,"a":1}', id="y"))
    assert not answers.tool_call_match(left, ToolCall(name="find", arguments='{"a": 1}'))
    assert not answers.tool_call_match(left, ToolCall(name="seek", arguments=left.arguments))
    assert not answers.tool_call_match(left, ToolCall(name="find", arguments="{broken"))


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [
        ("Three boxes of 4 are 3 * 4 = 12 pens in all.", 100.0),
        ("The 12 pens come in 3 boxes of 4.", 50.0),
        ("Three boxes of 4 are 3 + 4 = 7 pens in all.", 0.0),
    ],
)
def test_similarity_does_not_save_an_answer_with_another_result(answer: str, accuracy: float) -> None:
    logged = Completion(text="3 boxes with 4 pens each make 3 * 4 = 12.")
    found = score_against_logged(logged, Completion(text=answer), {}, lambda one, other: 1.0)
    assert found.accuracy == accuracy
    assert "final one" in found.reason


def test_checks_decide_before_similarity() -> None:
    def never(one: str, other: str) -> float:
        raise AssertionError("similarity was asked")

    def score(logged: str, answer: str, **params: Any) -> float:
        return score_against_logged(Completion(text=logged), Completion(text=answer), params, never).accuracy

    assert score("Refund.", "refund") == 100.0
    assert score("refund", "complaint") == 0.0
    as_json = {"response_format": {"type": "json_object"}}
    assert score('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', **as_json) == 100.0
    assert score('{"a": 1, "b": 2}', '{"a": 1, "b": 3}', **as_json) == 50.0
    assert score('{"a": 1, "b": 2}', "a is 1 and b is 2", **as_json) == 0.0
