"""The words of a log and of a plan, and who receives the prompts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from cqtui.engine.estimate import estimate
from cqtui.engine.optimize import plan_for
from cqtui.engine.plan import Plan
from cqtui.importers import LogRead, Rejected, read_logs
from cqtui.models import Message, Part
from cqtui.report.plan_words import (
    cap_words,
    describe_log,
    describe_plan,
    few_words,
    forced_words,
    sentence_of_recipients,
    skipped_words,
)
from cqtui.settings import Settings
from tests.fakes import logged_call


def plan(**more: object) -> Plan:
    settings = {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), **more}
    return plan_for(Settings.model_validate(settings), [logged_call(n) for n in range(20)])


def test_one_sentence_says_who_receives_the_prompts_judge_included() -> None:
    settled = plan(judge={"models": ("claude-haiku-4-5",)})
    sentence = sentence_of_recipients(settled)
    assert sentence == (
        "Your prompts will be sent redacted to anthropic, openai through https://api.portkey.ai/v1 "
        "(no e-mail address, phone number or key was found in them)."
    )
    assert sentence in describe_plan(settled, estimate(settled))
    elsewhere = plan(gateway={"base_url": "http://localhost:8787/v1"})
    assert "through http://localhost:8787/v1 (" in sentence_of_recipients(elsewhere)


def test_the_sentence_says_what_was_replaced_or_that_nothing_is() -> None:
    calls = [logged_call(n, text=f"Write to anna{n}@example.com or bert@example.com.") for n in range(3)]
    rules = {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), "thresholds": {"max_samples": 2}}
    settled = plan_for(Settings.model_validate(rules), calls)
    assert sentence_of_recipients(settled).endswith("(4 e-mail addresses replaced: 4 in 2 calls).")
    assert any("4 e-mail addresses, in 2 of 2 calls" in note for note in settled.notes)
    as_logged = plan_for(Settings.model_validate({**rules, "privacy": {"redact": False}}), calls)
    assert "sent as logged (redaction is off) to" in sentence_of_recipients(as_logged)
    assert "Prompts were sent as logged: redaction was turned off." in as_logged.notes
    assert settled.plan_hash("x") != as_logged.plan_hash("x")


def test_where_nothing_is_sent_that_is_the_sentence_and_no_cost_is_named() -> None:
    for provider, words in (("rehearsal", "Nothing is sent"), ("recorded", "nothing is sent")):
        settled = plan(provider=provider)
        lines = describe_plan(settled, estimate(settled))
        assert lines[-1] == sentence_of_recipients(settled)
        assert words in lines[-1]
        assert not [line for line in lines if "Estimated cost" in line]


def test_a_plan_that_costs_money_ends_with_the_cap() -> None:
    settled = plan(budget={"usd": Decimal(2), "monthly_usd": Decimal(30)})
    last = describe_plan(settled, estimate(settled))[-1]
    assert last.startswith("Estimated cost $")
    assert last.endswith("cap $2.00, and what is left of $30.00 for this month's runs.")


def test_a_log_s_problems_are_named_with_their_place_and_stay_inert() -> None:
    rejected = tuple(Rejected(f"bad \x1b[31m{number}", "a.jsonl", number) for number in range(1, 8))
    lines = describe_log(
        LogRead((logged_call(0),), rejected=rejected, files=("a.jsonl",), counts={"native": 1}, rejected_count=7)
    )
    assert lines[0] == "Read 1 call from 1 file (native 1)."
    assert lines[1] == "a.jsonl:1: bad \ufffd[31m1. Skipped."
    assert lines[-1] == "... and 2 more unusable records."
    assert len(lines) == 7


def test_an_incomplete_last_line_is_named_and_counts_for_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"messages": [{"role": "user", "content": "hi"}], "completion": "yo"}\n{"messages": [{"ro')
    read = read_logs(log)
    assert (read.records, len(read.rejected)) == (1, 0)
    assert describe_log(read)[1:] == [
        f"{log}:2: the last line is incomplete, as of a log that is being written. Not counted."
    ]


def test_few_calls_a_forced_switch_and_a_cap_below_the_estimate_are_said() -> None:
    few = plan()
    lines = describe_plan(few, estimate(few))
    words = "the log has 20 calls of gpt-5.6-terra to compare with; a verified answer takes about 130 to 400"
    assert few_words(few) == words
    assert f"Few calls: {words}." in lines
    assert few_words(plan(thresholds={"max_samples": 7})).startswith("max_samples allows 7 calls;")
    many = plan_for(few.settings, [logged_call(n) for n in range(130)])
    assert few_words(many) == ""
    assert not forced_words(few)
    retiring = plan(current_model="openai/gpt-4o", candidates=())
    assert forced_words(retiring) == "gpt-4o retires on 2027-01-14: a replacement may cost more"
    assert f"{forced_words(retiring)}." in describe_plan(retiring, estimate(retiring))
    assert cap_words(few, estimate(few)) == ""
    capped = plan(budget={"usd": Decimal("0.0001")})
    assert cap_words(capped, estimate(capped)) in describe_plan(capped, estimate(capped))


def test_images_that_go_as_logged_are_said() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    calls = [logged_call(n) for n in range(3)]
    pictured = Message(role="user", parts=(Part(kind="image", raw=image),))
    calls[0] = calls[0].model_copy(update={"messages": (pictured,)})
    settled = plan_for(plan().settings, calls)
    assert "; images, audio and files in 1 call go as logged)" in sentence_of_recipients(settled)


def test_why_records_were_skipped_is_said_with_counts() -> None:
    read = LogRead((), skipped_for={"an embedding, not a chat": 2, "a span": 1_000})
    assert skipped_words(read) == "an embedding, not a chat (2); a span (1,000)"
