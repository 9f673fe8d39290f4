import pytest
from pydantic import ValidationError

from cqtui.errors import AccessRefusedError, BadInputError, CqtuiError
from cqtui.models import Completion, LoggedCall, Message, Origin, Part, ToolCall

ORIGIN = Origin(file="log.jsonl", format="native", line=1)
PROMPT = (Message(role="user", parts=(Part(text="Where is "), Part(text="my order?"))),)


def test_message_text_joins_parts_without_separator() -> None:
    image = Part(kind="image", raw={"image_url": {"url": "https://example.com/a.png"}})
    assert Message(role="user", parts=(*PROMPT[0].parts, image)).text == "Where is my order?"


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (None, False),
        (Completion(), False),
        (Completion(text=""), True),
        (Completion(refusal="No."), True),
        (Completion(tool_calls=(ToolCall(name="find", arguments="{}"),)), True),
    ],
)
def test_a_baseline_needs_an_answer(completion: Completion | None, expected: bool) -> None:
    assert LoggedCall(id="1", messages=PROMPT, completion=completion, origin=ORIGIN).is_baseline is expected


def test_values_are_frozen_and_refuse_unknown_fields() -> None:
    call = LoggedCall(id="1", messages=PROMPT, origin=ORIGIN)
    with pytest.raises(ValidationError):
        call.id = "2"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        LoggedCall.model_validate({"id": "1", "messages": (), "origin": ORIGIN, "modle": "x"})


def test_an_error_carries_title_hint_and_exit_code() -> None:
    error = BadInputError("log.jsonl is empty.", "Name a log with at least one call.")
    assert str(error) == "log.jsonl is empty. Name a log with at least one call."
    assert (error.exit_code, AccessRefusedError("x").exit_code, CqtuiError("x").exit_code) == (2, 4, 1)
