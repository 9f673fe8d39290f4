"""Starts the app, and gives the words that stay on the terminal after it."""

from __future__ import annotations

from pathlib import Path

from cqtui.tui.app import CqtuiApp


def run_app(*, config: Path | None = None, profile: str | None = None, example: bool = False) -> str | None:
    """Run the app until the user leaves it; what the last run came to, in a few plain lines, None where none was made.

    Args:
        config: The settings file; None is cqtui.toml in the working directory, or the first questions.
        profile: The profile of it.
        example: Open the bundled example instead.
    """
    app = CqtuiApp(config=config, profile=profile, example=example)
    app.run()
    return app.summary
