"""How the app gets from one screen to another. Imported after the first paint: it brings the engine with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

from cqtui.engine.run_state import RunState
from cqtui.environment import database_path
from cqtui.errors import CqtuiError
from cqtui.report.render import render_summary
from cqtui.results import Recommendation
from cqtui.store.database import Database
from cqtui.tui.engine_thread import EngineThread, RunSource
from cqtui.tui.reading import look_behind
from cqtui.tui.screens.dialogs import Answer, MessageDialog, QuestionDialog, error_dialog
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.workspace import Choices, Found, example_choices, look, needs_setup

if TYPE_CHECKING:
    from cqtui.tui.app import CqtuiApp

NO_STORE = "Nothing is stored here yet: start a run first."


def app_of(app: object) -> CqtuiApp:
    """The app, which screens know by a more general type."""
    from cqtui.tui.app import CqtuiApp

    assert isinstance(app, CqtuiApp)
    return app


def open_first(app: CqtuiApp) -> None:
    """The first screen: what was found, or the first questions where nothing is set up."""
    config, profile, example = app.named
    choices = example_choices() if example else Choices(config=config, profile=profile)
    if needs_setup(choices):
        show_setup(app)
    else:
        look_at(app, choices)
    warm_up(app)


def warm_up(app: CqtuiApp) -> None:
    """Import in the background what a run needs: the SDK and the numerical libraries take a second or two."""

    def load() -> None:
        import scipy.special
        import scipy.stats  # noqa: F401

        from cqtui.gateway.portkey import import_sdk

        import_sdk()

    app.run_worker(load, thread=True, name="warming up", exit_on_error=False)


def look_at(
    app: CqtuiApp, choices: Choices, then: Callable[[Found], None] | None = None, *, afresh: bool = False
) -> None:
    """Find out what there is to work on and show it; a mistake in a file becomes a dialog, and nothing is lost.

    ``then`` is called once it is shown; ``afresh`` reads a log again that is known already.
    """
    known = None if afresh else app.found
    look_behind(
        app,
        lambda reading: look(choices, known, reading.progress),
        lambda found: show_found(app, found, then),
        lambda error: _cannot_look(app, choices, error),
        lambda: _left(app, choices),
    )


def _left(app: CqtuiApp, choices: Choices) -> None:
    from cqtui.tui.screens.opening import OpeningScreen

    if app.found is not None:
        return
    app.left = choices
    opening = next((screen for screen in app.screen_stack if isinstance(screen, OpeningScreen)), None)
    if opening is not None:
        opening.say_unread()
    if app.screen is not opening:
        app.notify("F5 reads configuration and log again.", markup=False)


def look_again(app: CqtuiApp, *, afresh: bool = False) -> None:
    """Plan anew with the same choices, or those whose log was left; ``afresh`` reads the log again too."""
    choices = app.left or (app.found.choices if app.found is not None else None)
    if choices is not None and app.reading is None:
        look_at(app, choices, afresh=afresh)


def show_found(app: CqtuiApp, found: Found, then: Callable[[Found], None] | None = None) -> None:
    """Show what was found on the start screen."""
    from cqtui.tui.screens.start import StartScreen

    app.found, app.left = found, None
    start = next((screen for screen in app.screen_stack if isinstance(screen, StartScreen)), None)
    if start is not None:
        start.show(found)
    elif not is_running(app):
        back_to_bottom(app)
        app.push_screen(StartScreen(found))
    if then is not None:
        then(found)


def _cannot_look(app: CqtuiApp, choices: Choices, error: CqtuiError) -> None:
    from cqtui.tui.screens.start import StartScreen

    def afterwards(_: None) -> None:
        if not any(isinstance(screen, StartScreen) for screen in app.screen_stack):
            show_setup(app, choices)

    app.push_screen(error_dialog(error), afterwards)


def back_to_bottom(app: CqtuiApp) -> None:
    """Leave every screen above the first one."""
    while len(app.screen_stack) > 1:
        app.pop_screen()


def show_setup(app: CqtuiApp, choices: Choices | None = None) -> None:
    """The first questions."""
    from cqtui.tui.screens.setup import SetupScreen

    back_to_bottom(app)
    app.push_screen(SetupScreen(choices or Choices()))


def open_example(app: CqtuiApp) -> None:
    """The bundled example, rehearsed."""
    look_at(app, example_choices(), lambda _: back_to_start(app))


def start_run(app: CqtuiApp, found: Found) -> None:
    """Carry the plan out, on a thread of its own."""
    source = EngineThread(found.plan, database_path(), recording=found.choices.recording)
    show_run(app, source, found)
    source.start()


def ask_to_start(app: CqtuiApp) -> None:
    """Go to the start screen and start from there, with its questions."""
    from cqtui.tui.screens.start import StartScreen

    back_to_start(app)
    if isinstance(app.screen, StartScreen):
        app.screen.action_start()


def show_run(app: CqtuiApp, source: RunSource, found: Found) -> None:
    """Show a run of a plan."""
    settings = found.settings
    app.run_source = source
    judge = ", ".join(judge.short_name for judge in found.plan.panel.models) or "checks"
    screen = RunScreen(
        source,
        settings.thresholds,
        concurrency=found.plan.settings.gateway.concurrency,
        subject=f"{settings.use_case} · {found.plan.current.short_name} → ?",
        right=f"{settings.provider} · judge {judge}",
        is_simulated=settings.provider == "rehearsal",
    )
    app.push_screen(screen)


def run_ended(app: CqtuiApp, screen: RunScreen) -> None:
    """Show the answer of a run that has ended, or what went wrong."""
    outcome = screen.source.outcome
    error = outcome.exception()
    if error is None:
        result = outcome.result()
        app.summary = render_summary(result)
        if app.screen is screen:
            show_result(app, result, screen.state)
        else:
            app.notify("The run has ended. Press r on the run screen for its result.", markup=False)
        return
    kept = f"Run {screen.state.run_id} was ended. What was paid for is kept: start again to go on where it stopped."
    if type(error).__name__ == "CancelledError":
        app.summary = kept
        app.push_screen(MessageDialog("The run was ended", kept))
    else:
        app.push_screen(error_dialog(error))


def show_result(app: CqtuiApp, result: Recommendation, state: RunState | None = None) -> None:
    """Show a run's answer."""
    from cqtui.tui.screens.result import ResultScreen

    app.push_screen(ResultScreen(result, state))


def show_samples(
    app: CqtuiApp, run_id: str, letters: dict[str, str], model_id: str | None = None, record_id: str | None = None
) -> None:
    """Show a run's pairs, of one candidate, or one pair."""
    from cqtui.tui.screens.samples import SamplesScreen

    app.push_screen(SamplesScreen(run_id, letters, model_id=model_id, record_id=record_id))


def show_labelling(app: CqtuiApp, run_id: str, model_id: str | None) -> None:
    """Judge pairs of a candidate blind, where the log at hand is the run's."""
    from cqtui.tui.screens.label import LabelScreen

    if app.found is None:
        app.notify("The log is needed for that: open it on the start screen.", severity="warning", markup=False)
    elif model_id is None:
        app.notify("Choose a candidate first (m).", severity="warning", markup=False)
    else:
        app.push_screen(LabelScreen(run_id, model_id, app.found.log.calls, app.found.settings))


def show_history(app: CqtuiApp) -> None:
    """Past runs."""
    from cqtui.tui.screens.history import HistoryScreen

    _open(app, HistoryScreen)


def show_models(app: CqtuiApp) -> None:
    """The registry."""
    from cqtui.tui.screens.models import ModelsScreen

    _open(app, ModelsScreen)


def show_profiles(app: CqtuiApp) -> None:
    """The profiles of the configuration."""
    from cqtui.tui.screens.profiles import ProfilesScreen

    _open(app, ProfilesScreen)


def _open(app: CqtuiApp, kind: type[Screen[None]]) -> None:
    """Put a screen on top, unless it is there already."""
    if not isinstance(app.screen, kind):
        app.push_screen(kind())


def back_to_start(app: CqtuiApp) -> None:
    """Leave every screen above the start screen; where there is none, look what there is to work on."""
    from cqtui.tui.screens.start import StartScreen

    if is_on(app, StartScreen):
        while not isinstance(app.screen, StartScreen):
            app.pop_screen()
    else:
        back_to_bottom(app)
        open_first(app)


class QuitDialog(QuestionDialog):
    """Asks before a run under way is left; there is one at a time."""


def ask_before_quitting(app: CqtuiApp, source: RunSource) -> None:
    """A run is under way: quitting stops it, and the next start goes on where it stopped."""
    if isinstance(app.screen, QuitDialog):
        return
    text = (
        "Quitting stops the run: calls under way finish first. What was paid for is kept, and starting the same run "
        "again goes on where it stopped.\n\nLeaving at once drops the calls under way: they count at the most they "
        "could cost."
    )
    answers = [
        Answer("stay", "Stay", "g", is_first=True),
        Answer("stop", "Stop, then quit", "s"),
        Answer("leave", "Leave at once", "x"),
    ]

    def answered(answer: str | None) -> None:
        if answer not in ("stop", "leave"):
            return
        if answer == "stop":
            source.stop()
        else:
            source.abandon()
        app.notify("Quitting when the calls under way have finished.", markup=False)
        source.outcome.add_done_callback(lambda _: _leave(app, source))

    app.push_screen(QuitDialog("A run is under way", text, answers), answered)


def _leave(app: CqtuiApp, source: RunSource) -> None:
    """The run has ended (on its own thread): say what it came to, and go."""

    def leave() -> None:
        outcome = source.outcome
        if outcome.exception() is None:
            app.summary = render_summary(outcome.result())
        else:
            app.summary = "The run was ended; what was paid for is kept. Start it again to go on where it stopped."
        app.exit()

    app.call_later(leave)


def copy_text(app: CqtuiApp, text: str | None) -> None:
    """Put a text on the clipboard, as far as the terminal lets it."""
    if text:
        app.copy_to_clipboard(text.encode("utf-8", "replace").decode())  # half a character has no bytes to copy
        app.notify("Copied (where your terminal allows it).", markup=False)
    else:
        app.notify("There is no sentence yet.", severity="warning", markup=False)


def commands(app: CqtuiApp) -> Iterable[SystemCommand]:
    """Everything that leads to another screen, for the command palette; a run under way keeps its screen."""
    yield SystemCommand("Read again", "Read configuration and log again", app.action_again)
    yield SystemCommand("History", "Past runs, their trend, and two of them compared", lambda: show_history(app))
    yield SystemCommand("Models", "All models: prices, age, conflicts, retirement", lambda: show_models(app))
    yield SystemCommand("Profiles", "The profiles of cqtui.toml", lambda: show_profiles(app))
    if is_running(app):
        return
    yield SystemCommand(
        "Bundled example", "Open the example with simulated models: no key, nothing sent", lambda: open_example(app)
    )
    yield SystemCommand("Set up", "The first questions: log, model, who answers", lambda: show_setup(app))
    if app.found is not None:
        yield SystemCommand("Start", "Start a run of the plan; paid calls are asked about", lambda: ask_to_start(app))


def is_running(app: CqtuiApp) -> bool:
    """Whether a run is under way, whose screen is not to be left."""
    return app.run_source is not None and not app.run_source.outcome.done()


def is_on(app: CqtuiApp, kind: type[Screen[None]]) -> bool:
    """Whether a screen of a kind is open."""
    return any(isinstance(screen, kind) for screen in app.screen_stack)


def open_store(path: Path | None = None) -> Database | None:
    """The store, where there is one."""
    found = path or database_path()
    return Database(found) if found.is_file() else None
