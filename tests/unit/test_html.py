"""The report as one HTML file: all of the Markdown report, nothing from outside, foreign text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from cqtui.models import Excluded
from cqtui.report.html import render_html, report_parser
from cqtui.report.render import render_summary
from cqtui.results import Recommendation
from tests.fakes import pairs
from tests.results import recommendation

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![seen](http://evil.example/pixel.png)",
    "<http://evil.example>",
    "[a]: http://evil.example",
    "</details></table></main><iframe src=//evil.example>",
    "\n\n<details><summary>mine</summary>\n\n",
    "&lt;b&gt; | cell | <b>",
    "`code` *bold* # heading \u202e\x1b[31m",
)
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Document(HTMLParser):
    """Collects elements, attributes and text, and checks that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data


def with_exclusions() -> Recommendation:
    return recommendation(excluded=(Excluded(model_id="acme/old", reason="retired on 2026-01-01"),))


def test_it_holds_the_whole_report_and_the_plot() -> None:
    result = with_exclusions()
    text = render_html(result)
    document = Document(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert document.tags.count("h1") == 1
    assert result.sentence in document.text
    for heading in ("What it rests on", "Business impact", "Ledger: what became of the calls", "Why these candidates"):
        assert heading in document.text
    assert document.tags.count("svg") == 1
    assert text.index("<svg") < text.index("What it rests on</h2>")
    assert document.tags.count("details") == document.tags.count("summary") == 2
    assert "<summary>1 models left out</summary>" in text
    assert "retired on 2026-01-01" in document.text
    assert document.tags.count("table") == len([a for a in document.attributes if a[1:] == ("class", "table")])


def test_nothing_is_fetched_and_nothing_runs() -> None:
    text = render_html(with_exclusions())
    document = Document(text)
    allowed = {"xmlns"}
    assert not {"script", "link", "img", "iframe", "object", "base", "a"} & set(document.tags)
    assert not [a for a in document.attributes if a[1] in ("src", "href", "srcset", "action")]
    assert not [a for a in document.attributes if a[1].startswith("on")]
    assert not [a for a in document.attributes if "http" in a[2] and a[1] not in allowed and a[1] != "http-equiv"]
    assert not re.search(r"@import|url\(", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text(hostile: str) -> None:
    plain = Document(render_html(with_exclusions()))
    model = f"acme/{hostile}"
    result = recommendation(
        model_id=model,
        sentence=f"Keep {hostile}.",
        judge=hostile,
        endpoint=hostile,
        notes=(hostile,),
        excluded=(Excluded(model_id=hostile, reason=hostile),),
    )
    text = render_html(result)
    document = Document(text)
    assert not {"script", "img", "iframe", "a", "b"} & set(document.tags)
    assert document.tags.count("details") == plain.tags.count("details")
    assert document.tags.count("h1") == 1
    assert not [a for a in document.attributes if a[1] in ("src", "href") or a[1].startswith("on")]
    assert "\x1b" not in text + render_summary(result)
    assert "\u202e" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_parser_itself_makes_no_tag_link_or_image_of_it(hostile: str) -> None:
    text = report_parser().render(f"A {hostile} b\n\n{hostile}\n\n[a] and [a][a]\n")
    tags = set(re.findall(r"<(\w+)", text))
    assert tags <= {"p", "code", "em", "details", "summary", "br"}


def test_hostile_words_can_be_read() -> None:
    document = Document(
        render_html(recommendation(notes=("<script>alert(1)</script>", "![x](http://y.example/z.png)")))
    )
    assert "<script>alert(1)</script>" in document.text
    assert "![x](http://y.example/z.png)" in document.text


def test_a_rehearsal_says_so_first() -> None:
    document = Document(render_html(recommendation(provider="rehearsal")))
    main = document.text[document.text.index("Rehearsal") :]
    assert main.startswith("Rehearsal: simulated answers. Not evidence.")
    assert "blockquote" in document.tags


def test_a_run_without_candidates_has_no_plot() -> None:
    document = Document(render_html(recommendation(evidence=(), recommended=None, closest=None, impact=None)))
    assert "svg" not in document.tags
    assert "figure" not in document.tags


def test_an_undrawn_candidate_is_counted() -> None:
    result = recommendation(pairs(60, drop=1.0))
    unknown = result.evidence[0].model_copy(update={"savings_percent": None})
    text = render_html(result.model_copy(update={"evidence": (*result.evidence, unknown)}))
    assert "Not drawn, since a figure is unknown: 1." in text
