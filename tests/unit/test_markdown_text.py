"""Foreign text stays text in Markdown as GitHub reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.report.filters import plain
from cqtui.report.markdown_text import TICKS, code, markdown, shortened
from tests.github_markdown import page, visible
from tests.hostile import TEXTS

PLACES = ("# {}\n", "A {} b\n", "- {}\n", "> {}\n", "**{}**\n", "| a | b |\n|---|---|\n| {} | {} |\n")
OURS = {"h1", "p", "ul", "li", "blockquote", "strong", "table", "thead", "tbody", "tr", "th", "td"}
# Any text, thick with what Markdown and GitHub look for.
NASTY = (
    st.lists(
        st.sampled_from(
            [*"@#<>[]()!|`*_~\\&:$-+=.1a/% ", "\n", "https://", "www.", "gh-1", "#1", "deadbeef", "<!--", "&#64;"]
        )
        | st.characters(),
        max_size=30,
    )
    .map("".join)
    .filter(plain)
)


def words_of(text: str) -> str:
    """What a reader is to see."""
    for tick in TICKS:
        text = text.replace(tick, "\ufffd")
    return plain(text)


def check(text: str, place: str) -> None:
    found = page(place.format(*[markdown(text)] * place.count("{}")))
    assert set(found.tags) <= OURS
    assert "href" not in dict(found.attributes)
    assert not found.linked_by_github()
    assert "<!--" not in found.html
    assert [len(row) for table in found.tables for row in table] == [2, 2] * len(found.tables)
    assert found.tags.count("li") == place.startswith("-")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", TEXTS)
def test_it_is_no_element_no_link_no_mention_and_one_cell(text: str, place: str) -> None:
    check(text, place)


@given(NASTY, st.sampled_from(PLACES))
def test_whatever_the_text_is(text: str, place: str) -> None:
    check(text, place)


@given(NASTY)
def test_a_reader_sees_the_very_text(text: str) -> None:
    shown = visible(page(f"A {markdown(text)} b\n").prose).strip()
    assert shown == f"A {words_of(text)} b".strip() or not words_of(text)


@pytest.mark.parametrize("text", TEXTS)
def test_code_is_one_span_of_the_very_text(text: str) -> None:
    found = page(f"A {code(text)} b\n")
    assert set(found.tags) == {"p", "code"}
    assert found.tags.count("code") == 1
    assert visible(found.prose).split() == ["A", "b"]
    assert "<!--" not in code(text)


def test_ordinary_names_are_left_as_they_are() -> None:
    for name in ("openai/gpt-6.1-terra", "claude-haiku-4-5-20251001", "−24.5%", "122 to 1 after 4,000 pairs", "$0.42"):
        assert markdown(name) == name


def test_what_is_cut_says_so() -> None:
    assert shortened("a" * 80) == "a" * 80
    assert shortened("a" * 81) == "a" * 79 + "…"


def test_a_lone_surrogate_can_be_written() -> None:
    assert markdown("a\ud800b").encode()
