"""The app's own themes. No state is told by colour alone, and none by red against green."""

from __future__ import annotations

from textual.theme import Theme

MUTED = "$foreground 60%"
"""The style of what is less important."""
DARK = Theme(
    name="cqtui-dark",
    primary="#4c9be8",
    secondary="#8fa7c4",
    accent="#e0a458",
    success="#5ec4b6",
    warning="#e0a458",
    error="#e5736b",
    foreground="#dfe5ec",
    background="#12171d",
    surface="#182029",
    panel="#212b36",
    dark=True,
    variables={"border": "#3a4856", "border-blurred": "#2c3844", "footer-key-foreground": "#e0a458"},
)
LIGHT = Theme(
    name="cqtui-light",
    primary="#1d5fa6",
    secondary="#4d6480",
    accent="#9a5b00",
    success="#00706a",
    warning="#9a5b00",
    error="#b3261e",
    foreground="#1a2129",
    background="#f7f8fa",
    surface="#ffffff",
    panel="#e8edf2",
    dark=False,
    variables={"border": "#9aa9b8", "border-blurred": "#c3cdd7", "footer-key-foreground": "#9a5b00"},
)
HIGH_CONTRAST = Theme(
    name="cqtui-high-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ffff00",
    success="#00ffff",
    warning="#ffff00",
    error="#ff8080",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        "border": "#ffffff",
        "border-blurred": "#b0b0b0",
        "text-muted": "#ffffff",
        "footer-key-foreground": "#ffff00",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)
DEFAULT = DARK.name
