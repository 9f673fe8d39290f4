"""The comment: the answer first, what was measured and no more, within its limit, whatever the texts are."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cqtui.report.comment import (
    CommentOptions,
    Excerpt,
    marker,
    render_comment,
    render_nothing_to_do,
    render_problem,
    without_money,
)
from cqtui.report.headline import Switch, headline_of
from cqtui.results import Recommendation
from tests.fakes import pairs
from tests.github_markdown import page
from tests.hostile import TEXTS, hostile_run
from tests.results import CURRENT, NEW, recommendation
from tests.tui.stage import CASES, recorded_result

PLAIN = CommentOptions()
SWITCH = Switch(from_model="gpt-5.6-terra", to_model="gpt-5.6-luna")
TICK = "\u2705"
OURS = {"h3", "p", "strong", "em", "code", "pre", "ul", "li", "blockquote", "details", "summary"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
SECTIONS = [
    "Cost and quality",
    "Why, gate by gate",
    "What it rests on",
    "Business impact",
    "Without changing the model",
]
SECTIONS += ["Guardrails", "Routing", "The worst answers", "Ledger", "What is not known", "Reproduce"]


def headline(comment: str) -> str:
    return next(line for line in comment.splitlines() if line.startswith("### "))


def summaries(comment: str) -> list[str]:
    return [found.split(":")[0] for found in re.findall("<summary>(.*?)</summary>", comment)]


def check_form(comment: str) -> None:
    """Ours in form: the marker once and first, our elements alone, all closed, whole tables, nothing linked."""
    assert comment.splitlines()[0] == marker("default")
    assert comment.count("<!--") == 1
    found = page(comment)
    assert set(found.tags) <= OURS
    assert found.balanced
    lines = comment.splitlines()
    assert lines.count("</details>") == found.tags.count("details") == sum(x.startswith("<details>") for x in lines)
    assert "href" not in dict(found.attributes)
    assert not found.linked_by_github()
    for table in found.tables:
        assert len({len(row) for row in table}) == 1
    comment.encode()


@pytest.mark.parametrize("case", CASES)
def test_marker_verdict_basis_table_and_then_the_folds(case: str) -> None:
    result = recorded_result(case)
    comment = render_comment(result, CommentOptions(commit="abc1234"))
    check_form(comment)
    assert result.sentence in page(comment).prose
    places = [
        comment.index(part) for part in ("### ", " of your logged calls", "`abc1234`", "| | model |", "<details>")
    ]
    assert places == sorted(places)
    folds = summaries(comment)
    assert folds == [name for name in SECTIONS if name in folds]
    assert {"Cost and quality", "Why, gate by gate", "Ledger", "What is not known", "Reproduce"} <= set(folds)
    assert "cqtui optimize LOGS" in comment
    assert f"`{result.run_id}`" in comment


@pytest.mark.parametrize(("case", "ticks"), [("verified", 2), ("keep", 0), ("inconclusive", 0), ("forced", 0)])
def test_a_tick_stands_for_verified_alone(case: str, ticks: int) -> None:
    assert render_comment(recorded_result(case), PLAIN).count(TICK) == ticks


@pytest.mark.parametrize("provider", ["rehearsal", "recorded"])
def test_no_provider_but_a_measured_one_gets_a_tick(provider: str) -> None:
    result = recorded_result("verified").model_copy(update={"provider": provider})
    assert TICK not in render_comment(result, PLAIN)
    assert TICK not in render_comment(result, CommentOptions(switch=Switch(from_model="a", to_model="gpt-6.1-terra")))


def test_a_rehearsal_says_so_before_all_else() -> None:
    lines = render_comment(recorded_result("rehearsal"), PLAIN).splitlines()
    assert lines[:3] == [marker("default"), "> **Rehearsal: simulated answers. Not evidence.**", ""]


def test_money_is_hidden_and_percentages_stay() -> None:
    for case in CASES:
        result = recorded_result(case)
        open_, hidden = (render_comment(result, CommentOptions(show_money=shown)) for shown in (True, False))
        assert "$" in open_
        assert "$" not in hidden
        assert "410,000" not in hidden
        assert "amount hidden" not in hidden
        assert "Business impact" not in hidden
        assert headline(hidden).startswith("### ")
        assert re.search(r"−\d+\.\d%", hidden)


def test_amounts_in_texts_of_the_engine_are_hidden_too() -> None:
    note = "The month's budget of $30 ([budget] monthly_usd) left $1.50 for this run."
    result = recommendation(notes=(note, "Price of $0.0042."), reason="About 90 more prompts, about $0.15.")
    hidden = render_comment(result, CommentOptions(show_money=False))
    assert "budget" not in hidden
    assert "$" not in hidden
    assert "Price of *(amount hidden)*." in hidden


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("about 419 more prompts (about $0.42) would", "about 419 more prompts would"),
        ("90 more prompts, about $0.15.", "90 more prompts."),
        ("−$1,240.50 a month", "*(amount hidden)* a month"),
        ("56% and 3 of 4", "56% and 3 of 4"),
    ],
)
def test_what_is_left_of_a_sentence_without_its_amount(text: str, hidden: str) -> None:
    assert without_money(text) == hidden


def test_a_switch_that_is_verified_is_said_to_be() -> None:
    found = headline_of(recommendation(), SWITCH)
    assert found.is_ticked
    assert re.fullmatch(
        r"This PR switches gpt-5\.6-terra to gpt-5\.6-luna: cost down \d+%, quality impact −\S+% \[\S+ \S+\], "
        r"verified on \d+ calls\.",
        found.text,
    )
    assert headline(render_comment(recommendation(), CommentOptions(switch=SWITCH))).startswith(f"### {TICK} This PR")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (recommendation(pairs(60, drop=1.0)), "Not verified."),
        (recommendation(pairs(400, drop=20.0)), "answers get clearly worse. Quality impact −"),
        (recommendation(pairs(400, refused=60)), "clearly more calls are refused, "),
        (recommendation(pairs(400, saving=-0.5)), "cost up "),
    ],
)
def test_a_switch_that_is_not_verified_is_said_as_plainly(result: Recommendation, words: str) -> None:
    found = headline_of(result, SWITCH)
    assert not found.is_ticked
    assert words in found.text


def test_a_switch_that_was_not_measured_is_no_good_news() -> None:
    found = headline_of(recommendation(), Switch(from_model="a", to_model="elsewhere"))
    assert not found.is_ticked
    assert "not measured" in found.text
    comment = render_comment(recommendation(), CommentOptions(switch=Switch(from_model="a", to_model="elsewhere")))
    assert TICK not in comment
    assert "a month**" not in comment


@pytest.mark.parametrize(
    ("stage", "words"), [("budget_exhausted", "budget was used up"), ("interrupted", "interrupted")]
)
def test_a_partial_run_says_so_before_the_folds(stage: str, words: str) -> None:
    comment = render_comment(recorded_result("inconclusive").model_copy(update={"stage": stage}), PLAIN)
    assert words in comment[: comment.index("<details>")]


def test_texts_of_answers_are_shown_on_request_alone() -> None:
    secret = "The customer said so."
    excerpt = Excerpt(
        model=NEW, prompt=secret, logged="yes", replayed="| no | @octocat", baseline_score=90, candidate_score=20
    )
    assert secret not in render_comment(recommendation(), PLAIN)
    comment = render_comment(recommendation(), CommentOptions(excerpts=(excerpt,) * 5))
    assert comment.count(secret) == 3
    check_form(comment)


def test_nothing_to_do_and_a_problem_are_comments_of_ours() -> None:
    for text in TEXTS:
        for comment in (render_nothing_to_do(text, commit="abc1234"), render_problem(text, commit="abc1234")):
            check_form(comment)
            assert TICK not in comment
    assert "No log changed." in render_nothing_to_do("No log changed.")


@pytest.mark.parametrize("key", ["", "a b", "a-->", "a\n", "x" * 101, "\u00e9"])
def test_a_key_that_could_leave_its_marker_is_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        CommentOptions(key=key)


def test_sections_go_from_the_bottom_and_each_leaves_a_line() -> None:
    result = recorded_result("verified")
    whole = render_comment(result, PLAIN)
    size = len(whole.encode())
    assert size < 60_000
    before = summaries(whole)
    for limit in range(size - 1, 4_096, -1500):
        comment = render_comment(result, CommentOptions(limit_bytes=limit))
        left = summaries(comment)
        assert left == before[: len(left)]
        assert len(left) < len(before)
        assert comment.count("Left out for length: ") == len(before) - len(left)
        assert "job summary" in comment
        assert headline(comment) == headline(whole)
        check_form(comment)


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_is_inert_in_the_whole_comment(text: str) -> None:
    comment = render_comment(hostile_run(text), PLAIN)
    check_form(comment)
    assert comment.count(TICK) <= 2


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=40) | st.sampled_from(TEXTS) | st.text(min_size=300, max_size=2000),
    st.integers(4_096, 70_000),
    st.booleans(),
    st.none() | st.builds(Switch, from_model=st.text(), to_model=st.text()),
)
def test_any_text_and_any_limit(text: str, limit: int, shown: bool, switch: Switch | None) -> None:
    options = CommentOptions(limit_bytes=limit, show_money=shown, switch=switch, excerpts=())
    comment = render_comment(hostile_run(text), options)
    assert len(comment.encode()) <= limit
    assert headline(comment) == headline(
        render_comment(hostile_run(text), options.model_copy(update={"limit_bytes": 10**7}))
    )
    check_form(comment)


def test_a_long_table_goes_too_and_the_first_lines_stay() -> None:
    result = recorded_result("verified")
    many = result.model_copy(update={"evidence": result.evidence * 200})
    comment = render_comment(many, CommentOptions(limit_bytes=4_096))
    assert len(comment.encode()) <= 4_096
    assert "Left out for length: candidates." in comment
    assert " of your logged calls" in comment
    check_form(comment)


def test_a_saving_on_the_same_model_that_wins_comes_before_the_folds() -> None:
    comment = render_comment(hostile_run("plain"), PLAIN)
    assert "Without changing the model: plain caching would save 90.0%" in comment[: comment.index("<details>")]


def test_costs_more_is_not_called_a_saving() -> None:
    base = recommendation()
    assert base.impact is not None
    dearer = base.impact.model_copy(update={"projected_monthly_savings_usd": Decimal(-100)})
    assert "costs about **$100.00 a month**" in render_comment(base.model_copy(update={"impact": dearer}), PLAIN)
    assert CURRENT.short_name in render_comment(base, PLAIN)
