"""Foreign text that stays text in Markdown as GitHub reads it: no markup, no mention, no reference, no link."""

from __future__ import annotations

import re

from cqtui.report.filters import plain

BREAK = (
    "\u200b"  # no width: GitHub looks for mentions and references in the rendered text, so escaping alone is no help
)
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!@&]|\$(?!\d))")
_LINE_START = re.compile(r"^(?:([-+=])|(\d{1,9})(?=[.)](?:\s|$)))")
TICKS = "\u2705\u2611\u2714\u2713\U0001f5f8"  # a tick is ours to give
_TICKS = re.compile(f"[{TICKS}]")

# Each is broken at the end of the match.
_AUTOMATIC = re.compile(
    r"""
      @(?=\S)                                          # @someone, someone@host.example, owner/repo@commit
    | \#(?=\d)                                         # #123, owner/repo#123
    | gh-(?=\d)                                        # GH-123
    | :(?=//)                                          # https://
    | (?:mailto|xmpp):(?=\S)
    | www(?=\.)
    | :(?!\d+:)(?=[a-z0-9_+-]+:)                       # :tada:, but not file:118:
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Seven digits of a commit are enough for a link. A date in a model's name is let stand: it is read and copied.
_COMMIT = re.compile(r"(?<![0-9a-z])(?!20\d{6}(?![0-9a-z]))[0-9a-f]{7,40}(?![0-9a-z])", re.IGNORECASE)
_COMMIT_PART = re.compile(r".{6}(?=.)")


def markdown(text: object) -> str:
    """Foreign text on one line that reads as it is written, in prose and in a table's cell."""
    words = _TICKS.sub("\ufffd", plain(str(text)))
    words = _COMMIT.sub(lambda found: _COMMIT_PART.sub(rf"\g<0>{BREAK}", found[0]), words)
    words = _AUTOMATIC.sub(rf"\g<0>{BREAK}", words)
    words = _MARKUP.sub(r"\\\1", words)
    return _LINE_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\", words)


def code(text: object) -> str:
    """Foreign text as inline code outside of tables: GitHub looks for no mention or reference in it."""
    words = _TICKS.sub("\ufffd", plain(str(text))).replace("<!--", f"<{BREAK}!--")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", words)), default=0))
    space = " " if not words.strip() or "`" in (words[0], words[-1]) else ""
    return f"{fence}{space}{words}{space}{fence}"


def tight(interval: str) -> str:
    """An interval that a narrow cell breaks before its bracket, not within."""
    return interval.replace(", ", ",\u00a0")


def shortened(text: object, length: int = 80) -> str:
    """Foreign text of at most so many characters, not yet escaped; a cut is marked."""
    words = plain(str(text))
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"
