"""The words of a log and of a plan, and who receives the prompts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from cqtui.engine.estimate import estimate
from cqtui.engine.optimize import plan_for
from cqtui.engine.plan import Plan
from cqtui.importers import LogRead, Rejected
from cqtui.report.plan_words import describe_log, describe_plan, sentence_of_recipients
from cqtui.settings import Settings
from tests.fakes import logged_call


def plan(**more: object) -> Plan:
    settings = {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), **more}
    return plan_for(Settings.model_validate(settings), [logged_call(n) for n in range(20)])


def test_one_sentence_says_who_receives_the_prompts_judge_included() -> None:
    settled = plan(judge={"models": ("claude-haiku-4-5",)})
    sentence = sentence_of_recipients(settled)
    assert sentence == ("Your prompts will be sent as logged to anthropic, openai through https://api.portkey.ai/v1.")
    assert sentence in describe_plan(settled, estimate(settled))
    elsewhere = plan(gateway={"base_url": "http://localhost:8787/v1"})
    assert sentence_of_recipients(elsewhere).endswith("through http://localhost:8787/v1.")


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
    lines = describe_log(LogRead(calls=(logged_call(0),), rejected=rejected, files=("a.jsonl",), counts={"native": 1}))
    assert lines[0] == "Read 1 calls from 1 file (native 1)."
    assert lines[1] == "a.jsonl:1: bad \ufffd[31m1. Skipped."
    assert lines[-1] == "... and 2 more unusable records."
    assert len(lines) == 7
