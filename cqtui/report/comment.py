"""The comment on a pull request: the answer first, the rest folded, never longer than the platform takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from cqtui.models import Frozen
from cqtui.report.comment_words import basis_words, ledger_title, money_words, run_cost_words, table_rows
from cqtui.report.headline import Switch, evidence_of, headline_of
from cqtui.report.markdown_text import code, markdown, shortened
from cqtui.report.mermaid import mermaid_chart, mermaid_words
from cqtui.report.render import REHEARSAL, report_values, tidy
from cqtui.report.templates import render
from cqtui.results import Evidence, Recommendation

MAX_BYTES = 60_000  # GitHub takes 65,536 characters
_LEAST_BYTES = 4_096  # the first lines fit, whatever the names are
_EXCERPTS = 3
_FENCE = "```"
_CUT = "The rest was left out: this comment would be too long. All of it is in the job summary."
_ASIDE = re.compile(r" ?\((?:about )?−?\$\d[\d,]*(?:\.\d+)?\)|, about \$\d[\d,]*(?:\.\d+)?")
_AMOUNT = re.compile(r"−?\$\s?\d[\d,]*(?:\.\d+)?")


class Excerpt(Frozen):
    """A pair that got much worse, with texts that may be shown; scores 0..100."""

    model: str
    prompt: str
    logged: str
    replayed: str
    baseline_score: float
    candidate_score: float


class CommentOptions(Frozen):
    """What a comment is to hold.

    Attributes:
        key: Tells several comments on one pull request apart.
        commit: The short SHA that it is about.
        show_money: Whether amounts in USD and the traffic's volume are shown; percentages always are.
        limit_bytes: Its length at most, in bytes of UTF-8.
        switch: The switch that the pull request makes.
        excerpts: Texts of the worst pairs; the first three are shown.
        command: The command line that made the run; None composes one of the run's settings.
    """

    key: str = Field("default", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    commit: str | None = Field(None, pattern=r"^[0-9A-Za-z]{4,64}$")
    show_money: bool = True
    limit_bytes: int = Field(MAX_BYTES, ge=_LEAST_BYTES)
    switch: Switch | None = None
    excerpts: tuple[Excerpt, ...] = ()
    command: str | None = None


@dataclass
class _Sections:
    """The sections that a template makes, in its order; those in ``left_out`` become one line each."""

    left_out: frozenset[str] = frozenset()
    order: list[str] = field(default_factory=list)

    def section(self, name: str, caller: Callable[[], str], title: str | None = None) -> str:
        """A part of the comment, or the one line that stands for it."""
        text = tidy(caller())
        if not text:
            return ""
        self.order.append(name)
        if name in self.left_out:
            return f"Left out for length: {markdown(title or name)}. It is in the job summary.\n"
        return text

    def folded(self, name: str, title: str, caller: Callable[[], str]) -> str:
        """The same folded under a title, which stands for the text's own heading."""
        text = self.section(name, lambda: _without_heading(caller()), title)
        if not text or name in self.left_out:
            return text
        summary = markdown(title).replace("\\", "")
        return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


def marker(key: str) -> str:
    """The hidden first line that tells our comment from all others."""
    return f"<!-- cqtui:comment key={key} -->"


def render_comment(result: Recommendation, options: CommentOptions, templates: Path | None = None) -> str:
    """The comment as Markdown, within ``options.limit_bytes``.

    Too long, it loses sections from the bottom up, never its first lines.

    Args:
        result: The run.
        options: What it is to hold.
        templates: A folder with the user's own templates.

    Raises:
        BadInputError: A template of the user's is broken.
    """
    head = "\n".join([marker(options.key), *([REHEARSAL, ""] if result.provider == "rehearsal" else [])]) + "\n"
    values = _values(result, options)
    sections = _Sections()
    while True:
        body = render("comment.md.j2", {**values, "section": sections.section, "folded": sections.folded}, templates)
        text = head + tidy(_without_marker(body if options.show_money else without_money(body)))
        remaining = [name for name in sections.order if name not in sections.left_out]
        if _size(text) <= options.limit_bytes:
            return text
        if not remaining:
            return _cut(text, options.limit_bytes)
        sections = _Sections(sections.left_out | {remaining[-1]})


def render_nothing_to_do(reason: str, key: str = "default", commit: str | None = None) -> str:
    """The comment where there is nothing to measure; ``reason`` says why."""
    return _short("### Nothing to measure", reason, CommentOptions(key=key, commit=commit))


def render_problem(line: str, key: str = "default", commit: str | None = None) -> str:
    """The comment where cqtui could not do its work; ``line`` says what, where and what to do."""
    return _short("### cqtui could not measure this", line, CommentOptions(key=key, commit=commit))


def without_money(text: str) -> str:
    """Markdown without amounts of USD."""
    return _AMOUNT.sub("*(amount hidden)*", _ASIDE.sub("", text))


def _values(result: Recommendation, options: CommentOptions) -> dict[str, Any]:
    values = report_values(result)
    shown: Evidence | None = values["shown"]
    if options.switch is not None:
        shown = evidence_of(result, options.switch)
    headline = headline_of(result, options.switch)
    return {
        **values,
        "shown": shown,
        "headline": headline.text,
        "is_ticked": headline.is_ticked,
        "verdict": values["verdict"].rstrip("."),
        "rows": table_rows(result, shown, is_ticked=headline.is_ticked),
        "basis_words": basis_words(result, shown, options.commit),
        "money_words": money_words(result, shown) if options.show_money else "",
        "cost_words": run_cost_words(result) if options.show_money else "",
        "ledger_title": ledger_title(shown),
        "show_money": options.show_money,
        "chart": mermaid_chart(result),
        "chart_words": mermaid_words(result),
        "excerpts": options.excerpts[:_EXCERPTS],
        "command": options.command or values["command"],
    }


def _short(heading: str, words: str, options: CommentOptions) -> str:
    at = f"\n\nCommit {code(options.commit)}." if options.commit else ""
    return f"{marker(options.key)}\n{heading}\n\n{markdown(shortened(words, 1000))}{at}\n"


def _without_heading(text: str) -> str:
    return re.sub(r"\A\s*##? [^\n]*\n", "", text)


def _without_marker(text: str) -> str:
    """A template of the user's may have brought our marker, or an older one."""
    return re.sub(r"<!-- cqtui:comment[^\n]*-->\n?", "", text)


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str, limit: int) -> str:
    """Whole lines from the top, with what they opened closed again."""
    kept: list[str] = []
    for line in text.splitlines():
        if _size(_closed([*kept, line])) > limit:
            break
        kept.append(line)
    return _closed(kept)


def _closed(lines: list[str]) -> str:
    is_fenced = sum(line.startswith(_FENCE) for line in lines) % 2 == 1
    opened = sum(line.startswith("<details>") - (line == "</details>") for line in lines)
    end = [*([_FENCE] if is_fenced else []), *["\n</details>"] * max(0, opened), "", _CUT]
    return "\n".join([*lines, *end]) + "\n"
