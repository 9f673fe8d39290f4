"""The report as one HTML file of its own: no script, no request to anywhere, foreign text as text."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from cqtui.report.filters import plain
from cqtui.report.markdown_text import BREAK
from cqtui.report.plot import plot_points
from cqtui.report.plot_svg import plot_svg
from cqtui.report.render import render_markdown
from cqtui.report.templates import render
from cqtui.results import Recommendation

# The only HTML that our own reports hold. Foreign text cannot begin a line with it: its "<" is escaped.
_OPEN = re.compile(r"<details><summary>([^<>]*)</summary>")
_CLOSE = "</details>"
# Reports hold no links and no images: what looks like one is a model's or a user's text.
_NOT_OURS = ("link", "image", "autolink", "reference", "html_block", "html_inline")
_PLOT_BEFORE = "What it rests on"
_TABLE = '<div class="table" role="region" aria-label="Table, scrolls sideways" tabindex="0">\n<table>\n'


def render_html(result: Recommendation, templates: Path | None = None) -> str:
    """The full report as a self-contained HTML document, made from the Markdown one, with the plot.

    Args:
        result: The run.
        templates: A folder with the user's own templates.

    Raises:
        BadInputError: A template of the user's is broken.
    """
    parser = report_parser()
    tokens = parser.parse(render_markdown(result, templates))
    tokens.insert(_place_of_plot(tokens), Token("figure", "", 0, content=_figure(result)))
    body = parser.renderer.render(tokens, parser.options, {}).replace(BREAK, "")  # no GitHub here
    return render("report.html.j2", {"title": plain(result.sentence), "body": body.strip()}, templates)


def report_parser() -> MarkdownIt:
    """Reads our Markdown reports: tables and our own ``<details>``, but no other HTML, no link and no image."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(_NOT_OURS)
    parser.block.ruler.before("paragraph", "details", _details, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.add_render_rule("table_open", _constant(_TABLE))
    parser.add_render_rule("table_close", _constant("</table>\n</div>\n"))
    parser.add_render_rule("details_open", _constant("<details>\n"))
    parser.add_render_rule("figure", _content)
    return parser


def _details(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Our own ``<details>``: a line that opens one with its summary, or a line that closes it."""
    line = state.getLines(start, start + 1, state.blkIndent, False).strip()
    opening = _OPEN.fullmatch(line)
    if opening is None and line != _CLOSE:
        return False
    if silent:
        return True
    if opening is None:
        state.push("details_close", "details", -1).block = True
    else:
        state.push("details_open", "details", 1).block = True
        state.push("summary_open", "summary", 1)
        summary = state.push("inline", "", 0)
        summary.content, summary.children = opening[1], []
        state.push("summary_close", "summary", -1).block = True
    state.line = start + 1
    return True


def _constant(text: str) -> Any:
    def rule(renderer: object, tokens: object, place: int, options: object, env: object) -> str:
        return text

    return rule


def _content(renderer: object, tokens: list[Token], place: int, options: object, env: object) -> str:
    return tokens[place].content


def _place_of_plot(tokens: list[Token]) -> int:
    """After the table of candidates, before what the answer rests on."""
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and tokens[place + 1].content == _PLOT_BEFORE:
            return place
    return len(tokens)


def _figure(result: Recommendation) -> str:
    plot = plot_svg(result)
    if not plot:
        return ""
    points = plot_points(result)
    names = "; ".join(
        f"<strong>{point.letter}</strong> {html.escape(plain(point.name))}"
        + (" (filled diamond: recommended)" if point.recommended else "")
        for point in points
    )
    missing = len(result.evidence) - len(points)
    left_out = f" Not drawn, since a figure is unknown: {missing}." if missing else ""
    rules = "the quality rule holds" if result.forced_switch else "both the saving and the quality rule hold"
    return (
        f"<figure>\n{plot}\n<figcaption>{names}. Left is cheaper, up is better; bars are 95% intervals. "
        f"On the tinted ground {rules}.{left_out}</figcaption>\n</figure>\n"
    )
