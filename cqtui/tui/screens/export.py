"""Takes a result away: Markdown, HTML, JSON, CSV, or a gateway config."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cqtui.errors import BadInputError, CqtuiError
from cqtui.results import Recommendation
from cqtui.tui.inert import one_line
from cqtui.tui.screens.dialogs import Answer, Choice, ChoiceDialog, QuestionDialog, ValueDialog, error_dialog
from cqtui.tui.typed_paths import complaint_about, typed_path

if TYPE_CHECKING:
    from cqtui.tui.app import CqtuiApp


def _templates(app: CqtuiApp) -> Path | None:
    return app.found.templates if app.found is not None else None


def _markdown(app: CqtuiApp, result: Recommendation) -> str:
    from cqtui.report.render import render_markdown

    return render_markdown(result, _templates(app))


def _html(app: CqtuiApp, result: Recommendation) -> str:
    from cqtui.report.html import render_html

    return render_html(result, _templates(app))


def _json(app: CqtuiApp, result: Recommendation) -> str:
    from cqtui.report.response import optimize_response

    # half a character, which pydantic's own JSON refuses, is written as ASCII
    return json.dumps(optimize_response(result).model_dump(mode="json"), indent=2) + "\n"


def _csv(app: CqtuiApp, result: Recommendation) -> str:
    from cqtui.report.candidate_csv import candidate_csv

    return candidate_csv(result)


def _config(app: CqtuiApp, result: Recommendation) -> str:
    from cqtui.report.export import ExportOptions, config_text, portkey_config
    from cqtui.report.export_choices import used_target
    from cqtui.settings import Settings

    settings = app.found.settings if app.found is not None else Settings()
    return config_text(portkey_config(result, settings, ExportOptions(target=used_target(result, settings))))


FORMATS: dict[str, tuple[str, str, Callable[[CqtuiApp, Recommendation], str]]] = {
    "md": ("Markdown", "the report, as CI posts it", _markdown),
    "html": ("HTML", "one file to mail, with the plot", _html),
    "json": ("JSON", "what cqtui optimize --json prints", _json),
    "csv": ("CSV", "one line a candidate, for a spreadsheet", _csv),
    "config.json": ("gateway config", "5% of the calls to the recommended model, the rest as today", _config),
}


def ask_export(app: CqtuiApp, result: Recommendation) -> None:
    """Ask for the format, then for the file, and write it."""
    choices = [Choice(ending, words, remark) for ending, (words, remark, _) in FORMATS.items()]

    def chosen(ending: str | None) -> None:
        if ending is not None:
            _ask_file(app, result, ending)

    app.push_screen(ChoiceDialog("Export", "What to write.", choices), chosen)


def _ask_file(app: CqtuiApp, result: Recommendation, ending: str) -> None:
    words, _, make = FORMATS[ending]
    try:
        text = make(app, result)
    except CqtuiError as error:
        app.push_screen(error_dialog(error))
        return

    def named(value: str | None) -> None:
        if not value:
            return
        path = typed_path(value)
        if path.exists():
            question = QuestionDialog(
                "Replace the file?",
                f"{path} is there already.",
                [Answer("back", "Leave it", "n", is_first=True), Answer("replace", "Replace", "r")],
            )
            app.push_screen(question, lambda answer: _write(app, path, text) if answer == "replace" else None)
        else:
            _write(app, path, text)

    suggestion = f"cqtui-{result.run_id[:8]}.{ending}"
    app.push_screen(ValueDialog(f"Export: {words}", "The file's name.", suggestion, _complaint), named)


def _complaint(value: str) -> str | None:
    if not value:
        return "Type a name, or press escape."
    return complaint_about(value, must_exist=False)


def _write(app: CqtuiApp, path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        app.push_screen(error_dialog(BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.")))
        return
    app.notify(one_line(f"Wrote {path}"), markup=False)
