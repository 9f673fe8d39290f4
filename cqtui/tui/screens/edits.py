"""What can be changed on the start screen, how it is asked for, and where the change goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from cqtui.errors import CqtuiError
from cqtui.report.filters import money
from cqtui.tui.inert import one_line
from cqtui.tui.reading import Reading, is_free, look_behind
from cqtui.tui.screens.dialogs import Choice, ChoiceDialog, SeveralDialog, ValueDialog, error_dialog
from cqtui.tui.workspace import Choices, Found, look, settings_of

if TYPE_CHECKING:
    from cqtui.tui.app import CqtuiApp

SESSION_ONLY = ("provider",)
CHECKS = "checks"
AUTOMATIC = ""
MOST = 10**12  # of anything: calls, dollars, percent


@dataclass(frozen=True)
class Edit:
    """One line of the start screen.

    Attributes:
        id: Names the line.
        name: What the user reads.
        key: The dotted name in cqtui.toml.
        words: The value in words.
        kind: How it is asked for.
        hint: What it means, and its unit.
    """

    id: str
    name: str
    key: str
    words: Callable[[Found], str]
    kind: Literal["model", "text", "amount", "whole", "number", "provider", "judge", "guardrails", "use_case"]
    hint: str


def _judge_words(found: Found) -> str:
    if found.settings.judge.mode == CHECKS:
        return "checks only"
    names = found.settings.judge.models
    return ", ".join(names) if names else "automatic"


def _guardrail_words(found: Found) -> str:
    names = [name for name, each in found.settings.guardrails.items() if each.enabled]
    return ", ".join(names) if names else ("all off" if found.settings.guardrails else "none defined")


def _volume_words(found: Found) -> str:
    volume = found.plan.traffic.monthly_requests
    return "unknown" if volume is None else f"{volume:,}"


EDITS: tuple[Edit, ...] = (
    Edit(
        "current_model",
        "model today",
        "current_model",
        lambda f: f.plan.current.short_name,
        "model",
        "The model in use, against which everything is measured.",
    ),
    Edit(
        "use_case",
        "use case",
        "use_case",
        lambda f: f.settings.use_case,
        "use_case",
        "What the answers are for; it decides which strengths count.",
    ),
    Edit(
        "provider",
        "who answers",
        "provider",
        lambda f: f.settings.provider,
        "provider",
        "For this session; not kept in the file.",
    ),
    Edit(
        "base_url",
        "gateway",
        "gateway.base_url",
        lambda f: f.settings.gateway.base_url or "hosted Portkey",
        "text",
        "Address of another gateway, e.g. http://localhost:8787/v1; empty for hosted Portkey.",
    ),
    Edit(
        "budget",
        "budget",
        "budget.usd",
        lambda f: money(f.settings.budget.usd),
        "amount",
        "The most that this run may spend, in USD.",
    ),
    Edit(
        "margin",
        "quality margin",
        "thresholds.max_quality_drop_percent",
        lambda f: f"{f.settings.thresholds.max_quality_drop_percent:g}% worse at most",
        "number",
        "The largest drop of quality that you would accept, in percent.",
    ),
    Edit(
        "saving",
        "least saving",
        "thresholds.min_cost_saving_percent",
        lambda f: f"{f.settings.thresholds.min_cost_saving_percent:g}%",
        "number",
        "What a switch must save at least, in percent.",
    ),
    Edit(
        "samples",
        "calls at most",
        "thresholds.max_samples",
        lambda f: f"{f.settings.thresholds.max_samples:,} a model",
        "whole",
        "Logged calls replayed on each candidate at most.",
    ),
    Edit("judge", "judge", "judge.models", _judge_words, "judge", "Who scores the answers."),
    Edit(
        "guardrails",
        "guardrails",
        "guardrails",
        _guardrail_words,
        "guardrails",
        "Sets that the finalists are replayed under.",
    ),
    Edit(
        "volume",
        "calls a month",
        "traffic.monthly_request_volume",
        _volume_words,
        "whole",
        "Your real traffic, where the log is a part of it.",
    ),
)


def change(app: CqtuiApp, found: Found, changes: Mapping[str, Any]) -> None:
    """Plan with other values; where that works, keep them in cqtui.toml, else say what is wrong."""
    if not is_free(app):  # it would be laid over values that are about to change
        return
    choices = changed(found.choices, changes)
    kept = {key: value for key, value in changes.items() if key not in SESSION_ONLY}

    def work(reading: Reading) -> Found:
        first = look(choices, found, reading.progress)  # before anything is written
        reading.settle()
        after = save(choices, kept) if kept else choices
        if settings_of(after) == first.settings:
            return replace(first, choices=after)
        return look(after, first, reading.progress)  # the file was changed by others, too

    def refused(error: CqtuiError) -> None:
        app.push_screen(error_dialog(error))

    look_behind(app, work, lambda again: _changed(app, again, bool(kept)), refused)


def _changed(app: CqtuiApp, found: Found, was_kept: bool) -> None:
    from cqtui.tui.navigation import show_found

    show_found(app, found)
    if was_kept:
        where = (
            "for this session: the example stays as it is"
            if found.choices.is_example
            else f"in {found.choices.config_path}"
        )
        app.notify(one_line(f"Kept {where}."), markup=False, timeout=3)


def changed(choices: Choices, changes: Mapping[str, Any]) -> Choices:
    """The choices with values laid over; None takes one away, and the default holds again."""
    session = {key: value for key, value in choices.session.items() if key not in changes}
    return replace(choices, session={**session, **changes})


def save(choices: Choices, changes: Mapping[str, Any]) -> Choices:
    """Write values into the settings file; the bundled example is never written, there they stay in the session.

    Raises:
        CqtuiError: The file cannot be written, or would be wrong.
    """
    if choices.is_example:
        return choices
    from cqtui.config_file import edit_config

    edit_config(choices.config_path, changes, profile=choices.profile)
    return replace(choices, session={key: value for key, value in choices.session.items() if key not in changes})


def begin_edit(app: CqtuiApp, found: Found, edit: Edit) -> None:
    """Ask for a line's value, in the way that fits it."""
    if not is_free(app):
        return

    def take(value: str | None) -> None:
        if value is not None:
            change(app, found, {edit.key: converted(edit, value)})

    match edit.kind:
        case "model" | "use_case" | "provider":
            app.push_screen(_choice_dialog(found, edit), take)
        case "judge":
            app.push_screen(_choice_dialog(found, edit), lambda value: _take_judge(app, found, value))
        case "guardrails":
            _ask_guardrails(app, found, edit)
        case _:
            app.push_screen(
                ValueDialog(edit.name, edit.hint, _written(found, edit), lambda v: complaint(edit, v)), take
            )


def _written(found: Found, edit: Edit) -> str:
    value: Any = found.settings
    for name in edit.key.split("."):
        value = getattr(value, name)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def converted(edit: Edit, value: str) -> Any:
    """The value as the settings take it; an empty text takes it away."""
    if value == "":
        return None
    match edit.kind:
        case "amount":
            return Decimal(value)
        case "number":
            return float(value)
        case "whole":
            return int(value.replace(",", ""))
        case _:
            return value


def complaint(edit: Edit, value: str) -> str | None:
    """What is wrong with a typed value, in words."""
    if value == "" and edit.kind in ("text", "whole", "number", "amount"):
        return None
    if edit.kind == "text":
        return address_complaint(value)
    try:
        number = converted(edit, value)
        if isinstance(number, int | float | Decimal) and not 0 <= number <= MOST:
            return "It must not be below 0." if number < 0 else f"It must be a number up to {MOST:,}."
    except (ValueError, InvalidOperation):
        return f"{value!r} is no {'whole number' if edit.kind == 'whole' else 'number'}."
    return None


def address_complaint(value: str) -> str | None:
    """What is wrong with a typed address, in words."""
    good = value.startswith(("http://", "https://")) and not any(letter.isspace() for letter in value)
    return None if good else "An address begins with http:// or https:// and has no spaces."


def _choice_dialog(found: Found, edit: Edit) -> ChoiceDialog:
    plan = found.plan
    match edit.kind:
        case "model":
            in_log = plan.traffic.models
            entries = sorted(plan.registry.entries, key=lambda e: (-in_log.get(e.model, 0), e.id))
            choices = [
                Choice(e.id, e.id, f"{in_log[e.model]:,} calls in the log" if e.model in in_log else "")
                for e in entries
            ]
            return ChoiceDialog(edit.name, edit.hint, choices, plan.current.id)
        case "use_case":
            cases = plan.registry.use_cases
            choices = [Choice(name, name, ", ".join(strengths)) for name, strengths in cases.items()]
            return ChoiceDialog(edit.name, edit.hint, choices, found.settings.use_case)
        case "judge":
            automatic = ", ".join(j.short_name for j in plan.panel.models) or "one of the registry's judges"
            choices = [
                Choice(AUTOMATIC, "automatic", f"a capable, cheap one of another family: {automatic}"),
                Choice(CHECKS, "checks only", "no judge model: checks against the logged answers"),
                *(Choice(e.id, e.id, e.family) for e in plan.registry.entries if e.is_active and e.price is not None),
            ]
            mode = CHECKS if found.settings.judge.mode == CHECKS else next(iter(found.settings.judge.models), AUTOMATIC)
            return ChoiceDialog(edit.name, edit.hint, choices, mode)
        case _:
            choices = [
                Choice("portkey", "portkey", "real models, through hosted Portkey or your gateway"),
                Choice("rehearsal", "rehearsal", "simulated: shows how it works, proves nothing"),
                Choice("local", "local", "real inference by a small model on this machine"),
            ]
            if found.choices.recording is not None:
                choices.append(Choice("recorded", "recorded", str(found.choices.recording)))
            return ChoiceDialog(edit.name, edit.hint, choices, found.settings.provider)


def _take_judge(app: CqtuiApp, found: Found, value: str | None) -> None:
    if value is None:
        return
    if value == CHECKS:
        change(app, found, {"judge.mode": CHECKS, "judge.models": None})
    else:
        change(app, found, {"judge.mode": None, "judge.models": (value,) if value else None})


def _ask_guardrails(app: CqtuiApp, found: Found, edit: Edit) -> None:
    from cqtui.tui.screens.dialogs import MessageDialog

    sets = found.settings.guardrails
    if not sets:
        text = "Define a set in cqtui.toml under [guardrails.NAME], with a Portkey config or the id of a saved one."
        app.push_screen(MessageDialog("No guardrail sets", text))
        return

    def take(chosen: list[str] | None) -> None:
        if chosen is not None:
            changes = {f"guardrails.{name}.enabled": None if name in chosen else False for name in sets}
            change(app, found, changes)

    on = [name for name, each in sets.items() if each.enabled]
    choices = [Choice(name, name, each.id or "inline config") for name, each in sets.items()]
    app.push_screen(SeveralDialog(edit.name, edit.hint, choices, on), take)
