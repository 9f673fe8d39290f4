"""A call is redacted everywhere, and a run sends, stores and reports nothing else."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.labelling import questions
from cqtui.engine.optimize import optimize_async, plan_for
from cqtui.engine.plan import Plan
from cqtui.events import Event
from cqtui.importers import read_logs
from cqtui.importers.redaction import redact_call, redact_calls
from cqtui.models import Completion, Failure, LoggedCall, Message, Origin, Part, ToolCall
from cqtui.redaction.redactor import Redactor
from cqtui.report.html import render_html
from cqtui.report.render import render_markdown
from cqtui.report.response import optimize_response
from cqtui.settings import PrivacySettings, Settings
from cqtui.store.database import Database
from tests.fakes import QUIET, ScriptedClient, good_model, logged_call
from tests.secrets import KEY_SHAPES, record_with, two_hundred

MAIL = "anna.wald@example.com"


def a_call(**changes: Any) -> LoggedCall:
    return logged_call(1).model_copy(update=changes)


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), "thresholds": QUIET}
    return Settings.model_validate({**base, **changes})


def seeded_log(path: Path) -> list[str]:
    """40 calls that hide 200 details and keys; returns what must not be seen."""
    hidden = two_hundred()
    records = [record_with(number, [text for text, _ in hidden[number::40]]) for number in range(40)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return [value for _, value in hidden]


def seen(values: list[str], *texts: str) -> list[str]:
    return [value for value in values if any(value in text for text in texts)]


def store_bytes(folder: Path) -> str:
    """The database's files, the write-ahead log included, one character a byte."""
    return "".join(path.read_bytes().decode("latin-1") for path in folder.glob("run.db*"))


def test_a_value_has_one_placeholder_in_the_whole_call() -> None:
    call = a_call(
        id=f"mail to {MAIL}",
        messages=(
            Message(role="system", parts=(Part(text="Write to boss@example.com."),), name=MAIL),
            Message(role="user", parts=(Part(text=f"I am {MAIL}"),)),
            Message(role="assistant", tool_calls=(ToolCall(name="f", arguments=json.dumps({"to": MAIL})),)),
            Message(role="tool", parts=(Part(text=f'{{"sent": "{MAIL}"}}'),), tool_call_id="t1"),
        ),
        completion=Completion(text=f"Sent to {MAIL.upper()} and boss@example.com"),
        tags=(MAIL,),
        metadata={"who": {MAIL: [MAIL]}},
        params={"user": MAIL, "temperature": 0.5},
        user=MAIL,
    )
    found = redact_call(call, Redactor())
    assert MAIL not in found.model_dump_json().lower()
    assert [message.text for message in found.messages] == [
        "Write to <EMAIL_1>.",
        "I am <EMAIL_2>",
        "",
        '{"sent": "<EMAIL_2>"}',
    ]
    assert found.messages[0].name == "EMAIL_2"
    assert found.messages[2].tool_calls[0].arguments == '{"to": "<EMAIL_2>"}'
    assert found.completion is not None
    assert found.completion.text == "Sent to <EMAIL_2> and <EMAIL_1>"
    assert (found.tags, found.params["user"]) == (("<EMAIL_2>",), "<EMAIL_2>")
    assert found.metadata == {"who": {"<EMAIL_2>": ["<EMAIL_2>"]}}
    assert found.params["temperature"] == 0.5
    other = redact_call(call.model_copy(update={"id": "mail to bert@example.com"}), Redactor())
    assert found.id != other.id  # ids stay apart
    assert redact_call(found, Redactor()) == found


def test_a_password_that_the_end_names_is_found_at_the_beginning() -> None:
    call = a_call(
        messages=(Message(role="user", parts=(Part(text="Sommer2024! does not work"),)),),
        completion=Completion(text="So your password is Sommer2024! ?"),
    )
    found = redact_call(call, Redactor())
    assert found.messages[0].text == "<KEY_1> does not work"


def test_what_an_answer_must_keep_to_is_left_but_for_keys() -> None:
    key = KEY_SHAPES["openai"](random.Random(1))
    schema = {"type": "json_schema", "json_schema": {"schema": {"enum": [MAIL, key]}}}
    tool = {"function": {"name": "f", "description": f"mail {MAIL}", "parameters": {"enum": [MAIL]}}}
    found = redact_call(a_call(params={"response_format": schema, "tools": [tool]}), Redactor())
    assert found.params["response_format"]["json_schema"]["schema"]["enum"] == [MAIL, "<KEY_1>"]
    [changed] = found.params["tools"]
    assert changed["function"]["parameters"] == {"enum": [MAIL]}
    assert changed["function"]["description"] == "mail <EMAIL_1>"


def test_images_are_left_as_they_are_and_that_is_said() -> None:
    raw = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA+4930901820AAAA"}}
    message = Message(role="user", parts=(Part(text=MAIL), Part(kind="image", raw=raw)))
    done = redact_calls([a_call(messages=(message,))], Redactor())
    assert done.calls[0].messages[0].parts[1].raw == raw
    assert (done.with_binary, done.changed, dict(done.counts)) == (1, 1, {"EMAIL": 1})
    calls = [logged_call(number).model_copy(update={"messages": (message,)}) for number in range(3)]
    notes = plan_for(settings(), calls).notes
    assert any("Images, audio and files in 3 calls were left as they are" in note for note in notes)


def test_a_call_without_anything_to_hide_is_the_very_same() -> None:
    call = a_call()
    assert redact_call(call, Redactor()) is call or redact_call(call, Redactor()) == call


def test_traffic_stays_that_of_the_log() -> None:
    calls = [logged_call(n, text=f"{MAIL} " * 50) for n in range(5)]

    def planned(redact: bool) -> Plan:
        return plan_for(settings(privacy={"redact": redact}), calls)

    assert planned(True).traffic == planned(False).traffic
    assert planned(True).calls != planned(False).calls


async def test_none_of_200_details_reaches_a_request_an_event_the_store_or_a_report(tmp_path: Path) -> None:
    hidden = seeded_log(tmp_path / "log.jsonl")
    calls = read_logs(tmp_path / "log.jsonl").calls
    assert len(seen(hidden, "".join(call.model_dump_json() for call in calls))) >= 190  # PEM has line breaks in JSON
    client, events = ScriptedClient(good_model), list[Event]()
    database = tmp_path / "run.db"
    result = await optimize_async(settings(), calls=calls, client=client, sink=events.append, database=database)
    assert len(client.requests) > 80
    sent = [json.dumps(request.model_dump(mode="json"), ensure_ascii=False) for request in client.requests]
    shown = [render_markdown(result), render_html(result), optimize_response(result).model_dump_json()]
    told = [event.model_dump_json() for event in events]
    assert seen(hidden, *sent) == []
    assert seen(hidden, *shown, *told) == []
    stored = store_bytes(tmp_path)
    assert "How much is order" in stored
    assert seen(hidden, stored) == []
    assert any("<EMAIL_1>" in text for text in sent)
    assert any(note.startswith("Replaced by placeholders before anything was sent:") for note in result.notes)


async def test_without_redaction_the_texts_are_as_logged_and_the_report_says_so(tmp_path: Path) -> None:
    hidden = seeded_log(tmp_path / "log.jsonl")
    calls = read_logs(tmp_path / "log.jsonl").calls
    client = ScriptedClient(good_model)
    rules = settings(privacy={"redact": False})
    result = await optimize_async(rules, calls=calls, client=client, database=tmp_path / "run.db")
    sent = [json.dumps(request.model_dump(mode="json"), ensure_ascii=False) for request in client.requests]
    assert len(seen(hidden, *sent)) > 100
    assert "Prompts were sent as logged: redaction was turned off." in render_markdown(result)


async def test_a_provider_that_echoes_a_key_does_not_bring_it_into_the_store(tmp_path: Path) -> None:
    key = KEY_SHAPES["anthropic"](random.Random(2))

    def echo(request: object) -> Failure:
        return Failure(kind="bad_request", message=f"invalid x-api-key {key}", status=400)

    events = list[Event]()
    calls = [logged_call(n) for n in range(6)]
    database = tmp_path / "run.db"
    await optimize_async(settings(), calls=calls, client=ScriptedClient(echo), sink=events.append, database=database)
    told = "".join(event.model_dump_json() for event in events)
    stored = store_bytes(tmp_path)
    assert "invalid x-api-key" in told
    assert seen([key], told, stored) == []


async def test_pairs_are_labelled_as_they_were_sent_also_where_the_id_had_to_go(tmp_path: Path) -> None:
    calls = [logged_call(n, text=f"Ask {MAIL} about {n}.") for n in range(8)]
    calls[3] = calls[3].model_copy(update={"id": f"from {MAIL}"})
    rules = settings(judge={"models": ("anthropic/claude-haiku-4-5",)}, budget={"usd": "20"})
    database = tmp_path / "run.db"
    result = await optimize_async(rules, calls=calls, client=ScriptedClient(good_model), database=database)
    with Database(database) as store:
        wanted, _ = questions(store, "openai/gpt-5.6-luna", calls, result.run_id, 30, rules.privacy)
        as_logged, _ = questions(store, "openai/gpt-5.6-luna", calls, result.run_id, 30, PrivacySettings(redact=False))
    assert len(wanted) == 8
    assert len(as_logged) == 7
    assert seen([MAIL], *(text for each in wanted for text in (each.record_id, each.first, each.second))) == []


@pytest.mark.parametrize("text", ["", "x", "a" * 100_000])
def test_odd_calls_pass(text: str) -> None:
    call = LoggedCall(
        id=text,
        messages=(Message(role="user", parts=(Part(text=text), Part(kind="other", raw={"x": [None, 1, text]}))),),
        origin=Origin(file="f", format="native"),
    )
    assert redact_call(call, Redactor()) == call
