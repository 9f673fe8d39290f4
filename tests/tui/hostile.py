"""Texts that a log, a model or a provider may hold to do something to a terminal."""

from __future__ import annotations

ESCAPES = (
    "\x1b[31mred\x1b[0m \x1b[2J\x1b[H \x1b]52;c;cHduZWQ=\x07 \x1bPq#0\x1b\\ \x9b31m \x1b]8;;https://evil.test\x1b\\x"
)
MARKUP = "[/foo] [@click=app.quit]press[/] [bold red]loud[/bold red] [link=https://evil.test]x[/link] $primary [[x]]"
LINKS = "[click](https://evil.test) ![pic](https://evil.test/p.png) <https://evil.test> `code` # heading | cell |"
DIRECTION = "abc\u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e\u061c"
NO_WIDTH = "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u180eh"
EMOJI = (
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd "
    "\u2764\ufe0f \U0001f1e9\U0001f1ea\U0001f1e9 1\ufe0f\u20e3"
)
PILES = "Z" + "\u0300\u0301\u0302\u0303" * 20 + "\u0488" * 20 + "o" + "\u20dd" * 9
CONTROLS = "tab\there\0nul \x07bell \x08back \x7fdel \x85next \u2028line \u2029para \x0bvt \x0cff"
HALF = "half \ud83d and \udc00 of a character"
WIDE = "漢字かな交じり文 한국어 ｆｕｌｌ ภาษาไทยที่ हिन्दी"
LONG = "x" * 1_000_000

SHORT = {
    "escapes": ESCAPES,
    "markup": MARKUP,
    "links": LINKS,
    "direction": DIRECTION,
    "no-width": NO_WIDTH,
    "emoji": EMOJI,
    "piles": PILES,
    "controls": CONTROLS,
    "half": HALF,
    "wide": WIDE,
}
TOGETHER = {
    "controls": f"{ESCAPES} {CONTROLS} {DIRECTION} {NO_WIDTH}",
    "markup": f"{MARKUP} {LINKS}",
    "half": f"{HALF} {WIDE} {EMOJI} {PILES}",
}
ALL = "\n".join(SHORT.values())
FORBIDDEN = frozenset(
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
    + [chr(code) for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A))]
    + ["\u061c", "\ufeff"]
)
