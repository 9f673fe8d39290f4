"""Reads Markdown much as GitHub does: what elements, links and cells come of it, and what it would link by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from markdown_it import MarkdownIt

INVISIBLE = "\u200b"
# What GitHub makes links of in rendered text outside of code: mentions, issues, commits, addresses, emoji.
AUTOMATIC = {
    "mention": re.compile(r"@[a-z0-9_-]", re.IGNORECASE),
    "issue": re.compile(r"#\d|gh-\d", re.IGNORECASE),
    "commit": re.compile(r"(?<![0-9a-z])(?!20\d{6}(?![0-9a-z]))[0-9a-f]{7,40}(?![0-9a-z])", re.IGNORECASE),
    "address": re.compile(r"://|www\.|mailto:[^\s\u200b]", re.IGNORECASE),
    "emoji": re.compile(r":(?!\d+:)[a-z0-9_+-]+:", re.IGNORECASE),
}


@dataclass(frozen=True)
class Page:
    """What became of a Markdown text."""

    html: str
    tags: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    prose: str
    tables: tuple[tuple[tuple[str, ...], ...], ...]
    balanced: bool

    def linked_by_github(self) -> list[str]:
        """What GitHub would make a link of."""
        return [f"{name}: {found[0]}" for name, rule in AUTOMATIC.items() if (found := rule.search(self.prose))]


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.prose = ""
        self.tables: list[list[list[str]]] = []
        self.balanced = True
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.balanced = self.balanced and not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in ("br", "hr", "img", "input"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.balanced = False

    def handle_data(self, data: str) -> None:
        if "code" not in self._open:
            self.prose += data
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data


def parser() -> MarkdownIt:
    """CommonMark with GitHub's tables, strikethrough and automatic links, HTML let through."""
    made = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table", "strikethrough", "linkify"])
    assert made.linkify is not None
    made.linkify.set({"fuzzy_link": False})
    made.linkify.add("//", None)  # GitHub does not link these two
    return made


def page(text: str) -> Page:
    """Render and read a text."""
    html = parser().render(text)
    found = _Reader(html)
    return Page(
        html=html,
        tags=tuple(found.tags),
        attributes=tuple(found.attributes),
        prose=found.prose,
        tables=tuple(tuple(tuple(row) for row in table) for table in found.tables),
        balanced=found.balanced,
    )


def visible(text: str) -> str:
    """Text without what breaks automatic links."""
    return text.replace(INVISIBLE, "")
