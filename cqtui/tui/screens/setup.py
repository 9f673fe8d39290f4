"""The first start: three questions, then a cqtui.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cqtui.config_file import new_config
from cqtui.engine.log import Log
from cqtui.engine.nearby import likely_files, log_pattern
from cqtui.engine.optimize import log_for, plan_for
from cqtui.engine.tally import OTHERS, UNKNOWN
from cqtui.environment import portkey_api_key
from cqtui.errors import BadInputError, CqtuiError
from cqtui.importers.paths import SUFFIXES, WILD
from cqtui.registry.loader import load_registry
from cqtui.report.plan_words import describe_log
from cqtui.settings import CONFIG_NAME, Settings
from cqtui.tui.inert import one_line, shown
from cqtui.tui.page import Page
from cqtui.tui.reading import Reading, look_behind
from cqtui.tui.screens.dialogs import Choice, ValueDialog, error_dialog
from cqtui.tui.screens.edits import address_complaint
from cqtui.tui.theme import MUTED
from cqtui.tui.typed_paths import complaint_about, typed_path
from cqtui.tui.workspace import Choices

MOST_FILES = 40
PATH_HINT = f"A file, a folder, or a pattern such as logs/**/*.jsonl. Read are {', '.join(SUFFIXES)}."
TYPED, EXAMPLE, GATEWAY = "typed", "example", "gateway"


@dataclass(frozen=True)
class _Answers:
    """What was answered so far."""

    log: Path | None = None
    found: Log | None = None
    current_model: str | None = None
    use_case: str | None = None
    base_url: str | None = None
    provider: str = "portkey"


class SetupScreen(Page):
    """Asks for the log, the model and its use, and who answers."""

    PLACE = "set-up"
    HELP_TEXT = (
        "Three questions and cqtui.toml is written: where your log is, which model answered in it and what for, and "
        "who answers in the replay. Nothing is sent. The bundled example shows everything without a key."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", tooltip="The question before"),
        Binding("o", "example", "Example", tooltip="Open the bundled example instead"),
    ]

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices
        self._answers = _Answers()
        self._then: Callable[[str], None] = lambda value: None
        self._trail: list[Callable[[], None]] = []

    def body(self) -> Iterable[Widget]:
        """The question, what is known, and the answers to choose from."""
        with Container(id="question-panel", classes="panel"):
            yield Static(id="question", markup=False)
        with Container(id="answers-panel", classes="panel"):
            yield OptionList(id="options", markup=False)

    def on_mount(self) -> None:
        """The first question."""
        self.title_bar.subject = "no cqtui.toml here yet"
        self.query_one("#options").focus()
        self._ask_log()

    def _ask(self, title: str, text: str, choices: Sequence[Choice], then: Callable[[str], None]) -> None:
        self.query_one("#question-panel").border_title = title
        self.query_one("#question", Static).update(Content(shown(text)))
        options = self.query_one("#options", OptionList)
        options.clear_options()
        width = max((len(choice.words) for choice in choices), default=0)
        for choice in choices:
            words = Content.assemble(one_line(choice.words).ljust(min(width, 40)), ("   " + choice.remark, MUTED))
            options.add_option(Option(words, id=choice.value))
        options.highlighted = 0
        self._then = then

    @on(OptionList.OptionSelected)
    def _answered(self, event: OptionList.OptionSelected) -> None:
        self._then(event.option.id or "")

    def action_back(self) -> None:
        """The question before."""
        if len(self._trail) > 1:
            self._trail.pop()
            self._trail[-1]()

    def _step(self, ask: Callable[[], None]) -> None:
        self._trail.append(ask)
        ask()

    def action_example(self) -> None:
        """The bundled example instead."""
        from cqtui.tui.navigation import open_example

        open_example(self.cqtui)

    # 1: the log

    def _ask_log(self) -> None:
        if not self._trail:
            self._trail.append(self._ask_log)
        files = newest_files(Path())
        choices = [Choice(f"f{n}", one_line(str(file)), _size(file)) for n, file in enumerate(files)]
        choices.append(Choice(TYPED, "another path …", "a file, a folder, or a pattern such as logs/*.jsonl"))
        choices.append(Choice(EXAMPLE, "the bundled example", "an invented support desk: no key, nothing sent"))
        text = (
            "Which log holds your prompts and answers? It is read on this machine; nothing is sent.\n"
            f"{len(files)} files here look like logs."
            if len(files) > 1
            else "One file here looks like a log."
            if files
            else "Which log holds your prompts and answers? It is read on this machine; nothing is sent.\n"
            "No file here looks like a log."
        )

        def then(value: str) -> None:
            if value == EXAMPLE:
                self.action_example()
            elif value == TYPED:
                self.app.push_screen(ValueDialog("Path of the log", PATH_HINT, "", _path_complaint), self._take_path)
            else:
                self._take_path(str(files[int(value[1:])]))

        self._ask("1 of 3: your log", text, choices, then)

    def _take_path(self, value: str | None) -> None:
        if not value:
            return
        path = typed_path(value)

        def read(reading: Reading) -> Log:
            found = log_for(Settings(), [path], reading.progress)
            if not found.tally.baseline_calls:
                raise BadInputError(f"{path}: no call in it has an answer to compare with.", "Log completions as well.")
            return found

        def refused(error: CqtuiError) -> None:
            self.app.push_screen(error_dialog(error))

        look_behind(self.cqtui, read, lambda found: self._take_log(path, found), refused)

    def _take_log(self, path: Path, found: Log) -> None:
        if not self.is_running or self._trail[-1] != self._ask_log:  # chosen twice, or gone on meanwhile
            return
        self._answers = replace(self._answers, log=path, found=found)
        self._step(self._ask_model)

    # 2: the model and what it is for

    def _ask_model(self) -> None:
        found = self._answers.found
        assert found is not None
        counts = {name: count for name, count in found.tally.models.items() if name not in (UNKNOWN, OTHERS)}
        registry = load_registry()
        names: dict[str, str] = {}
        for name in sorted(counts, key=lambda each: -counts[each]):
            try:
                names.setdefault(registry.get(name).id, f"{counts[name]:,} calls in the log")
            except BadInputError:
                continue
        for entry in registry.entries:
            names.setdefault(entry.id, "")
        unknown = [name for name in counts if not _is_known(registry, name)]
        note = f"\nNot in the registry: {', '.join(one_line(name) for name in unknown[:5])}." if unknown else ""
        text = (
            "\n".join(describe_log(found.read)[:3])
            + note
            + "\nWhich model is in use today? All is measured against it."
        )
        choices = [Choice(model, model, remark) for model, remark in names.items()]

        def then(value: str) -> None:
            self._answers = replace(self._answers, current_model=value)
            self._step(self._ask_use_case)

        self._ask("2 of 3: the model in use", text, choices, then)

    def _ask_use_case(self) -> None:
        cases = load_registry().use_cases
        choices = [Choice(name, name, ", ".join(strengths)) for name, strengths in cases.items()]

        def then(value: str) -> None:
            self._answers = replace(self._answers, use_case=value)
            self._step(self._ask_provider)

        text = "What are the answers for? It decides which strengths count when candidates are ranked."
        self._ask("2 of 3: the use case", text, choices, then)

    # 3: who answers

    def _ask_provider(self) -> None:
        key = "a key is set" if portkey_api_key() else "no key yet: set PORTKEY_API_KEY"
        choices = [
            Choice("rehearsal", "rehearsal", "simulated models: shows how it works, sends nothing, proves nothing"),
            Choice("portkey", "hosted Portkey", f"real models; {key}"),
            Choice(GATEWAY, "another gateway …", "the open-source gateway, or any OpenAI-compatible address"),
            Choice("local", "local", "real inference by a small model on this machine (extra cqtui[local])"),
        ]
        text = "Who answers in the replay? You can change it at any time; paid calls are always asked about first."

        def then(value: str) -> None:
            if value == GATEWAY:
                hint = "Its address, e.g. http://localhost:8787/v1"
                self.app.push_screen(
                    ValueDialog("Gateway", hint, "http://localhost:8787/v1", address_complaint), self._take_gateway
                )
            else:
                self._answers = replace(self._answers, provider=value, base_url=None)
                self._finish()

        self._ask("3 of 3: who answers", text, choices, then)

    def _take_gateway(self, value: str | None) -> None:
        if value:
            self._answers = replace(self._answers, provider="portkey", base_url=value)
            self._finish()

    def _finish(self) -> None:
        """Write cqtui.toml and go on to the start screen."""
        from cqtui.tui.navigation import look_at

        app = self.cqtui
        answers = self._answers
        assert answers.log is not None
        assert answers.found is not None
        values: dict[str, Any] = {
            "current_model": answers.current_model,
            "use_case": answers.use_case,
            "logs": (log_pattern(answers.log),),
        }
        if answers.base_url:
            values["gateway.base_url"] = answers.base_url
        path = Path(CONFIG_NAME)
        try:
            plan_for(
                Settings(current_model=answers.current_model, use_case=answers.use_case or "general"),
                answers.found,
            )
            if path.exists():
                raise BadInputError(f"{path} is there already.", "Nothing was written.")
            path.write_bytes(new_config(values).encode())
        except CqtuiError as error:
            app.push_screen(error_dialog(error))
            return
        except OSError as error:
            problem = BadInputError(f"{path}: {error.strerror}.", "Start cqtui in a folder that can be written.")
            app.push_screen(error_dialog(problem))
            return
        except UnicodeEncodeError:  # bytes in a file's name that are no text
            problem = BadInputError(f"{answers.log}: a name that {path} cannot hold.", "Rename the log.")
            app.push_screen(error_dialog(problem))
            return
        app.notify(f"Wrote {path}: change it on this screen or by hand.", markup=False)
        session = {} if answers.provider == "portkey" else {"provider": answers.provider}
        look_at(app, replace(self._choices, config=None, logs=(), session=session))


def newest_files(folder: Path) -> list[Path]:
    """Files that may be logs, in a folder and in those just below it, the newest first."""
    return sorted(likely_files(folder), key=_changed_at, reverse=True)[:MOST_FILES]


def _changed_at(file: Path) -> float:
    """When a file was last written; 0 where it has vanished meanwhile."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _size(file: Path) -> str:
    try:
        size = file.stat().st_size
    except OSError:
        return "vanished"
    if size < 1e3:
        return "under 1 kB"
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _is_known(registry: Any, name: str) -> bool:
    try:
        registry.get(name)
    except BadInputError:
        return False
    return True


def _path_complaint(value: str) -> str | None:
    if not value:
        return "Type a path, or press escape."
    complaint = complaint_about(value, must_exist=True)
    if complaint is not None and WILD.search(value):
        # What a pattern matches is looked up when it is read: it may lead through many folders.
        return complaint_about(value, must_exist=False)
    return complaint
