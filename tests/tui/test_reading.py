"""Large logs in the app: how far a read is, leaving it, what is chosen meanwhile, and how often a log is read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cqtui.engine.log import SAMPLE_SIZE, Log
from cqtui.engine.optimize import log_for
from cqtui.errors import BadInputError
from cqtui.importers import Progress, ReadStopped
from cqtui.settings import Settings
from cqtui.tui import navigation, reading, workspace
from cqtui.tui.screens import reading as progress_dialog
from cqtui.tui.screens import setup
from cqtui.tui.screens.dialogs import ChoiceDialog, MessageDialog
from cqtui.tui.screens.edits import change
from cqtui.tui.screens.opening import OpeningScreen
from cqtui.tui.screens.reading import PLANNING, ReadingDialog
from cqtui.tui.screens.setup import SetupScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.workspace import Choices, Found, look
from tests.fakes import write_log
from tests.tui.acting import app_of, message_of, on_top, press, seen, show_start, staged, text_of, told
from tests.tui.stage import settle, until

CONFIG = 'current_model = "gpt-5.6-terra"\nlogs = ["log.jsonl"]\n'
CHOICES = Choices(session={"provider": "rehearsal"})


class Reads:
    """Stands before the reading of logs: counts it, and holds it up where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.models: list[str | None] = []
        self.progress = Progress()
        self.go_on = threading.Event()
        self.go_on.set()
        self.fault: Exception | None = None
        for module in (workspace, setup):
            monkeypatch.setattr(module, "log_for", self._log_for)

    def _log_for(self, settings: Settings, paths: Sequence[str | Path], progress: Progress | None = None) -> Log:
        self.models.append(settings.current_model)
        held, fault = self.go_on, self.fault
        if not held.is_set():
            assert progress is not None
            self.progress = progress
            progress.files, progress.bytes_read, progress.bytes_total = ("log.jsonl",), 250_000_000, 1_000_000_000
            assert held.wait(20)
            if fault is not None:
                raise fault
        return log_for(settings, paths)  # without the progress: even a read that was stopped may come to its end

    def hold(self) -> threading.Event:
        """Hold up the reads that begin from now on until the event is set."""
        self.go_on = threading.Event()
        return self.go_on

    def let_pass(self) -> None:
        """Hold up none that begins from now on."""
        self.go_on = threading.Event()
        self.go_on.set()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    write_log(Path("log.jsonl"), 40)
    Path("cqtui.toml").write_text(CONFIG)
    reads = Reads(monkeypatch)
    yield reads
    reads.go_on.set()


async def shown(pilot: Pilot[None]) -> ReadingDialog:
    """The dialog of a read that goes on, as it comes after a while."""
    reading.show(app_of(pilot))
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, ReadingDialog)
    return dialog


def sampled(found: Found) -> Found:
    """The same as if its log were a sample."""
    object.__setattr__(found.log, "is_whole", False)
    return found


async def comes(pilot: Pilot[None], text: str) -> None:
    """Wait until a text is seen, while a read is held up."""
    for _ in range(2_000):
        await pilot.pause()
        if text in seen(pilot):
            return
    raise AssertionError(f"{text!r} did not come:\n{seen(pilot)}")


async def test_a_read_that_takes_long_is_seen_until_it_is_over(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SHOWN_AFTER_S", 0.001)
    monkeypatch.setattr(progress_dialog, "INTERVAL_S", 0.001)
    async with staged((80, 24)) as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        await pilot.press("f5")
        await comes(pilot, "Reading the log: 250 of 1,000 MB (25%)")
        assert "esc: leave it" in seen(pilot)
        reads.progress.bytes_read = 585_000_000
        await comes(pilot, "Reading the log: 585 of 1,000 MB (58%)")
        reads.progress.bytes_read = 1_000_000_000
        await comes(pilot, PLANNING)
        held.set()
        await settle(pilot)
        assert pilot.app.screen is start
        assert app_of(pilot).reading is None


async def test_a_short_read_is_not_seen(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_dialogs: list[object] = []
    monkeypatch.setattr(reading, "show", seen_dialogs.append)
    async with staged() as pilot:
        await show_start(pilot, look(CHOICES))
        await press(pilot, "f5")
        assert reads.models == ["gpt-5.6-terra"] * 2
        assert not seen_dialogs


async def test_escape_leaves_a_read_and_all_stays_as_it_was(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        before = start.found
        write_log(Path("log.jsonl"), 60)
        held = reads.hold()
        await pilot.press("f5")
        await shown(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is start
        assert reads.progress.is_stopped
        assert reading.LEFT in told(pilot)
        held.set()
        await settle(pilot)
        assert start.found is before, "even though the read came to its end"
        assert app_of(pilot).found is before
        await press(pilot, "f5")
        assert len(start.found.log.calls) == 60


async def test_a_change_that_is_left_is_not_written(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, sampled(look(CHOICES)))
        before = start.found
        held = reads.hold()
        change(app_of(pilot), before, {"current_model": "openai/gpt-6.1-sol"})
        await shown(pilot)
        await pilot.press("escape")
        held.set()
        await settle(pilot)
        assert Path("cqtui.toml").read_text() == CONFIG
        assert start.found is before


async def test_a_change_that_is_being_written_cannot_be_left(reads: Reads) -> None:
    one = reading.Reading(lambda: None)
    one.settle()
    assert not one.stop()
    assert not one.progress.is_stopped
    other = reading.Reading(lambda: None)
    assert other.stop()
    with pytest.raises(ReadStopped):
        other.settle()


async def test_a_read_that_is_no_longer_wanted_replaces_nothing(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        await pilot.press("f5")
        dialog = await shown(pilot)
        first = reads.progress
        reads.let_pass()
        navigation.open_example(app_of(pilot))
        await pilot.pause()
        assert first.is_stopped
        assert dialog not in pilot.app.screen_stack
        held.set()
        await settle(pilot)
        assert start.found.choices.is_example


async def test_nothing_that_a_read_may_change_is_begun_meanwhile(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        await pilot.press("f5")
        for keys in (["s"], ["enter"], ["a"], ["f5"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert pilot.app.screen is start
        assert told(pilot).count(reading.UNDER_WAY) == 3
        held.set()
        await settle(pilot)
        assert reads.models == ["gpt-5.6-terra"] * 2
        assert Path("cqtui.toml").read_text() == CONFIG
        await press(pilot, "enter")
        assert on_top(pilot, ChoiceDialog)


async def test_the_first_read_is_left_and_taken_up_again(reads: Reads) -> None:
    held = reads.hold()
    async with staged((80, 24)) as pilot:
        navigation.look_at(app_of(pilot), CHOICES)
        await shown(pilot)
        await pilot.press("escape")
        held.set()
        await settle(pilot)
        assert on_top(pilot, OpeningScreen)
        assert "f5: read it" in seen(pilot)
        reads.let_pass()
        await press(pilot, "f5")
        start = await until(pilot, StartScreen)
        assert start.found.choices == CHOICES
        assert app_of(pilot).left is None


@pytest.mark.parametrize(
    "fault", [BadInputError("log.jsonl: gone."), ValueError("odd [b]value")], ids=["ours", "fault"]
)
async def test_what_goes_wrong_is_said_in_place_of_the_progress(reads: Reads, fault: Exception) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        reads.fault = fault
        await pilot.press("f5")
        await shown(pilot)
        held.set()
        await comes(pilot, str(fault))
        assert str(fault) in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is start
        assert app_of(pilot).reading is None


async def test_what_lies_above_the_progress_stays_and_the_progress_goes(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        await pilot.press("f5")
        dialog = await shown(pilot)
        pilot.app.push_screen(MessageDialog("Title", "Text."))
        await pilot.pause()
        held.set()
        await settle(pilot)
        assert message_of(pilot) == "Text."
        await press(pilot, "escape")
        assert pilot.app.screen is start
        assert dialog not in pilot.app.screen_stack


async def test_quitting_ends_a_read(reads: Reads) -> None:
    async with staged() as pilot:
        await show_start(pilot, look(CHOICES))
        held = reads.hold()
        await pilot.press("f5")
        await shown(pilot)
        progress = reads.progress
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app._exit
        held.set()
    assert progress.is_stopped


async def test_the_set_up_reads_and_leaves_a_log(reads: Reads) -> None:
    async with staged() as pilot:
        navigation.show_setup(app_of(pilot))
        screen = await until(pilot, SetupScreen)
        await settle(pilot)
        held = reads.hold()
        await pilot.press("enter")
        await shown(pilot)
        await pilot.press("escape")
        held.set()
        await settle(pilot)
        assert pilot.app.screen is screen
        assert screen.query_one("#question-panel").border_title == "1 of 3: your log"
        reads.let_pass()
        await press(pilot, "enter")
        assert "40 calls" in text_of(pilot, "#question")


@pytest.mark.parametrize(
    ("changes", "reads_of_whole", "reads_of_sample"),
    [
        ({"current_model": "openai/gpt-6.1-sol"}, 0, 1),
        ({"traffic.avg_input_tokens": 700}, 1, 1),
        ({"traffic.monthly_request_volume": 90_000}, 0, 0),
        ({"use_case": "support"}, 0, 0),
        ({"provider": "portkey"}, 0, 0),
    ],
    ids=["model", "tokens", "volume", "use-case", "session"],
)
async def test_a_change_reads_the_log_once_where_it_has_to(
    reads: Reads, changes: dict[str, object], reads_of_whole: int, reads_of_sample: int
) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        assert start.found.log.read.total_calls <= SAMPLE_SIZE // 2
        reads.models.clear()
        change(app_of(pilot), start.found, changes)
        await settle(pilot)
        assert len(reads.models) == reads_of_whole
        Path("cqtui.toml").write_text(CONFIG)
        navigation.show_found(app_of(pilot), sampled(look(CHOICES)))
        reads.models.clear()
        change(app_of(pilot), start.found, changes)
        await settle(pilot)
        assert len(reads.models) == reads_of_sample
        written = {name.rpartition(".")[2] for name in changes} - {"provider"}
        assert all(name in Path("cqtui.toml").read_text() for name in written)


async def test_a_file_that_was_changed_by_hand_meanwhile_counts(reads: Reads) -> None:
    async with staged() as pilot:
        start = await show_start(pilot, look(CHOICES))
        held = reads.hold()
        change(app_of(pilot), start.found, {"traffic.avg_input_tokens": 700})
        await pilot.pause()
        await shown(pilot)
        Path("cqtui.toml").write_text(CONFIG + "[budget]\nusd = 3\n")
        held.set()
        await settle(pilot)
        assert start.found.settings.budget.usd == 3
        assert start.found.settings.traffic.avg_input_tokens == 700
        assert len(reads.models) == 2
