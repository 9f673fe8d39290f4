"""Text from logs, models, files and providers stays text: it moves nothing, hides nothing and does nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Static

from cqtui.events import CandidateChosen, CandidatesDiscovered, ReplayFailed, RunFinished
from cqtui.judgements import Comparison, Judgement, Opinion
from cqtui.models import Completion
from cqtui.results import Pair, Recommendation
from cqtui.samples import FoundRefusal, Sample
from cqtui.store.samples import SampleRow
from cqtui.tui import navigation
from cqtui.tui.inert import LONGEST_TEXT
from cqtui.tui.page import Page
from cqtui.tui.screens.dialogs import MessageDialog
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.result import TABS, ResultScreen
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.screens.samples import LONGEST_QUOTE, SampleScreen, SamplesScreen
from cqtui.tui.screens.setup import SetupScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.workspace import Choices, look
from tests.fakes import logged_call, write_log
from tests.tui import hostile
from tests.tui.acting import app_of, on_top, press, show_start, staged, text_of
from tests.tui.stage import AS_OF, keep_recorded, recorded_events, recorded_result, settle, show_run, until

pytestmark = pytest.mark.screens

RUN = "3f2a90c1d4e5"
TERRA = "openai/gpt-6.1-terra"
both_sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
CORNERS = ("╭", "╮", "╰", "╯")


def cell(strip: Strip, x: int) -> str:
    return strip.crop(x, x + 1).text


def check(pilot: Pilot[None]) -> None:
    """What is on the terminal holds no control and no link; lines, borders, title and footer are where they belong."""
    app, screen = pilot.app, pilot.app.screen
    strips = screen._compositor.render_strips()
    assert len(strips) == app.size.height
    for strip in strips:
        assert cell_len(strip.text) == app.size.width, repr(strip.text)
        assert strip.cell_length == app.size.width
        assert not hostile.FORBIDDEN & set(strip.text), repr(strip.text)
        assert not any(0xD800 <= ord(letter) <= 0xDFFF for letter in strip.text)
        for segment in strip:
            assert segment.control is None
            if segment.style is not None:
                assert segment.style.link is None
                action = str(segment.style.meta.get("@click", ""))
                assert not action or action.startswith("link("), "a link of Markdown; see test_links_open_nothing"
    for panel in screen.query(".panel, .dialog"):
        place = panel.region
        if not panel.is_on_screen or screen.find_widget(panel).clip.intersection(place) != place:
            continue
        ends = (
            cell(strips[place.y], place.x),
            cell(strips[place.y], place.right - 1),
            cell(strips[place.bottom - 1], place.x),
            cell(strips[place.bottom - 1], place.right - 1),
        )
        assert ends == CORNERS or ends == ("┏", "┓", "┗", "┛"), (panel, ends)
        for y in range(place.y + 1, place.bottom - 1):
            assert cell(strips[y], place.x) in "│┃", (panel, y, strips[y].text)
    if isinstance(screen, Page):
        assert strips[0].text.startswith(f" cqtui  {screen.PLACE}")
        assert "q Quit" in strips[-1].text


@asynccontextmanager
async def guarded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pilot[None]]:
    """The app, where nothing may be copied, opened or left."""
    done: list[str] = []
    async with staged(size) as pilot:
        for name in ("copy_to_clipboard", "open_url", "exit", "bell"):
            monkeypatch.setattr(pilot.app, name, lambda *a, name=name, **k: done.append(name))
        yield pilot
        assert not done
        monkeypatch.undo()


def judgement(text: str) -> Judgement:
    return Judgement(accuracy=80, helpfulness=80, clarity=80, completeness=80, reasoning=text, judge=text)


def hostile_sample(text: str, position: int, model_id: str = TERRA) -> tuple[Sample, str]:
    """A sample whose every text is hostile."""
    pair = Pair(
        record_id=f"{position} {text}"[:200],
        segment=text[:200],
        baseline_score=90,
        candidate_score=10,
        baseline_cost_usd=Decimal("0.01"),
        failure="server_error" if position % 2 else None,
        failure_message=text,
        translated=(text,),
        dropped=(text,),
    )
    opinion = Opinion(judge=text, candidate_first=True, baseline=judgement(text), candidate=judgement(f"{text}."))
    refusal = FoundRefusal(label="full", layer="text", span=(0, 400))
    sample = Sample(
        pair=pair,
        model_id=model_id,
        position=position,
        logged=Completion(text=text, refusal=text),
        answer=Completion(text=f"{text} other", refusal=text),
        logged_refusal=refusal,
        answer_refusal=refusal,
        comparison=Comparison(opinions=(opinion,), escalated=text),
    )
    return sample, text


class Storable:
    """Texts that SQLite takes: half a character has no bytes."""

    @staticmethod
    def of(text: str) -> str:
        return text.encode("utf-8", "replace").decode()


@both_sizes
async def test_pairs(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [Storable.of(text) for text in [*hostile.SHORT.values(), hostile.ALL]]
    made = [hostile_sample(text, number) for number, text in enumerate(kinds, 100)]
    model = Storable.of(hostile.MARKUP + hostile.WIDE)
    made += [hostile_sample("plain", 200, model)]
    async with guarded(size, monkeypatch) as pilot:
        keep_recorded("verified", made)
        letters = {TERRA: "C", model: "A"}
        navigation.show_samples(app_of(pilot), RUN, letters)
        await until(pilot, SamplesScreen)
        await settle(pilot)
        check(pilot)
        for key in ("m", "f", "g", "slash"):
            await press(pilot, key)
            check(pilot)
            await press(pilot, "escape")
        await press(pilot, "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)
        for _ in range(len(made)):
            check(pilot)
            await press(pilot, "end")
            check(pilot)
            await press(pilot, "right")


async def test_half_a_character_in_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    sample, prompt = hostile_sample(hostile.ALL, 1)
    row = SampleRow(hostile.HALF, 1, sample.pair.record_id, sample.pair)
    async with guarded((120, 40), monkeypatch) as pilot:
        screen = SampleScreen(RUN, {hostile.HALF: "A"}, [row], 0)
        pilot.app.push_screen(screen)
        await until(pilot, SampleScreen)
        from cqtui.store.samples import KeptSample

        screen._show(row, KeptSample(sample, prompt))
        await settle(pilot)
        check(pilot)
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await press(pilot, "y")
        assert copied[0].encode(), "what is copied has bytes"


@pytest.mark.parametrize("place", ["prompt", "logged", "answer", "reasoning"])
async def test_a_line_of_a_megabyte_is_cut_and_counted(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, prompt = hostile_sample("short", 100)
    if place == "prompt":
        prompt = hostile.LONG
    elif place == "reasoning":
        opinion = Opinion(
            judge="j", candidate_first=None, baseline=judgement(hostile.LONG), candidate=judgement(hostile.LONG)
        )
        sample = sample.model_copy(update={"comparison": Comparison(opinions=(opinion,))})
    else:
        sample = sample.model_copy(update={place: Completion(text=hostile.LONG)})
    async with guarded((80, 24), monkeypatch) as pilot:
        keep_recorded("verified", [(sample, prompt)])
        navigation.show_samples(app_of(pilot), RUN, {TERRA: "C"}, TERRA, sample.pair.record_id)
        await until(pilot, SampleScreen)
        await settle(pilot)
        check(pilot)
        widget = "judge" if place == "reasoning" else place
        text = text_of(pilot, f"#{widget}")
        longest = 4000 if place == "reasoning" else LONGEST_TEXT
        assert text.count("x") <= longest + LONGEST_QUOTE + 20
        assert f"{len(hostile.LONG) - longest:,} more characters are not shown" in text
        assert sum(len(str(each.content)) for each in pilot.app.screen.query(Static)) < 2 * LONGEST_TEXT


def test_long_names_are_cut_before_they_are_measured() -> None:
    from cqtui.tui.inert import fitted, one_line

    assert cell_len(one_line(hostile.LONG, 40)) == 40
    assert cell_len(fitted(one_line(hostile.LONG), 40)) == 40
    assert len(one_line(hostile.LONG)) <= 4 * LONGEST_TEXT


@pytest.mark.parametrize("text", hostile.SHORT.values(), ids=hostile.SHORT)
def test_every_width_is_kept(text: str) -> None:
    from cqtui.tui.inert import fitted, one_line, shown

    for width in range(40):
        assert cell_len(one_line(text, width)) == width
        assert cell_len(fitted(one_line(text), width, right=True)) == width
    assert not hostile.FORBIDDEN & set(one_line(text))
    assert not hostile.FORBIDDEN - {"\n"} & set(shown(text))


@both_sizes
async def test_labels(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    from cqtui.engine.labelling import Question

    texts = list(hostile.SHORT.values())
    asked = [Question(f"r{n}", "d", text, text, f"{text}!", True) for n, text in enumerate(texts)]
    async with guarded(size, monkeypatch) as pilot:
        keep_recorded("verified")
        screen = LabelScreen(RUN, TERRA, (logged_call(1),))
        pilot.app.push_screen(screen)
        await until(pilot, LabelScreen)
        await settle(pilot)
        screen._take(asked, 0)
        for _ in asked:
            await settle(pilot)
            check(pilot)
            await press(pilot, "s")


def hostile_result(text: str) -> Recommendation:
    """A verified result in which every word that is not cqtui's own is hostile."""
    value = recorded_result("verified").model_dump(mode="python")
    names = {"id": f"x/{text}", "display_name": text, "model": text, "provider": text, "family": text, "note": text}
    one = f"x/{text}"

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            changed = {key: walk(each) for key, each in part.items()}
            if changed.get("id") == TERRA:
                changed.update(names)
            if "asked" in changed and "found" in changed:
                changed.update(asked=text, found=text, change=text)
            if "stopped" in changed:
                changed["stopped"] = text
            return changed
        if isinstance(part, tuple | list):
            return tuple(walk(each) for each in part)
        return one if part == TERRA else part

    changed = walk(value)
    changed.update(
        sentence=text,
        reason=text,
        use_case=text,
        judge=text,
        endpoint=text,
        guardrail_set=text,
        notes=(text, text),
        provider="portkey",
    )
    return Recommendation.model_validate(changed)


@both_sizes
async def test_results(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    async with guarded(size, monkeypatch) as pilot:
        for name, text in hostile.TOGETHER.items():
            if name != "half" and size[0] > 80:
                continue
            result = hostile_result(text)
            navigation.show_result(app_of(pilot), result)
            await until(pilot, ResultScreen)
            await settle(pilot)
            for number, tab in enumerate(TABS, 1):
                if tab in ("samples", "plot", "events"):
                    continue
                await press(pilot, str(number))
                check(pilot)
                if tab in ("answer", "report"):
                    await press(pilot, "end")
                    check(pilot)
            await press(pilot, "2", "home")
            for _ in result.evidence:
                await press(pilot, "enter")
                check(pilot)
                await press(pilot, "escape", "down")
            if name == "half" and size[0] == 80:
                for place in range(5):
                    await press(pilot, "e", *["down"] * place, "enter")
                    check(pilot)
                    if not on_top(pilot, MessageDialog):
                        await press(pilot, "enter")
                        check(pilot)
                    while not on_top(pilot, ResultScreen):
                        await press(pilot, "escape")
            await press(pilot, "escape")


@both_sizes
async def test_runs(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    async with guarded(size, monkeypatch) as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        for number, text in enumerate([*hostile.SHORT.values(), hostile.LONG]):
            for event in recorded_events("verified")[:12]:
                if isinstance(event, CandidatesDiscovered | CandidateChosen):
                    played.events.append(_renamed(event, text))
            for message in (text, f"{text} again"):
                failed = ReplayFailed(
                    run_id=RUN,
                    seq=number,
                    at=played.last,
                    model_id=f"x/{text}",
                    record_id=text,
                    purpose="replay",
                    failure="server_error",
                    message=message,
                    will_retry=False,
                    spent_usd=Decimal(0),
                )
                played.events.append(failed)
            if text is not hostile.LONG:
                played.events.append(_finished(text, played.last))
            screen.catch_up()
            await settle(pilot)
            check(pilot)
            await press(pilot, "j")
            check(pilot)
        screen.query_one("#log").focus()
        await press(pilot, "end", "up", "up", "enter")
        check(pilot)
        assert screen.query_one("#log").option_count == screen.state.happened  # type: ignore[attr-defined]
        assert isinstance(pilot.app.screen_stack[-1], RunScreen | SamplesScreen | SampleScreen)


async def test_links_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with guarded((120, 40), monkeypatch) as pilot:
        navigation.show_result(app_of(pilot), hostile_result("see https://evil.test now"))
        await until(pilot, ResultScreen)
        await settle(pilot)
        await press(pilot, "6")
        links = 0
        for y, strip in enumerate(pilot.app.screen._compositor.render_strips()):
            x = strip.text.find("evil.test")
            if x >= 0 and strip.crop(x, x + 1)._segments[0].style.meta.get("@click"):  # type: ignore[union-attr]
                links += 1
                await pilot.click(offset=(x, y))
                await settle(pilot)
        assert links, "this test needs one"


def _renamed(event: CandidatesDiscovered | CandidateChosen, text: str) -> CandidatesDiscovered | CandidateChosen:
    def renamed(candidate: Any) -> Any:
        entry = candidate.entry.model_copy(update={"id": f"x/{text}", "model": text, "display_name": text})
        return candidate.model_copy(update={"entry": entry})

    if isinstance(event, CandidateChosen):
        return event.model_copy(update={"candidate": renamed(event.candidate)})
    return event.model_copy(update={"candidates": tuple(renamed(each) for each in event.candidates)})


def _finished(text: str, at: Any) -> RunFinished:
    last = recorded_events("verified")[-1]
    assert isinstance(last, RunFinished)
    return last.model_copy(update={"sentence": text, "at": at, "recommended": None})


@both_sizes
async def test_start_screen_with_a_registry_of_hostile_names(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(Path("log.jsonl"), 30)
    lines = ['current_model = "gpt-5.6-terra"', 'logs = ["log.jsonl"]']
    for name, text in hostile.SHORT.items():
        text = Storable.of(text)
        entry = {"id": f"acme/{name} {text}", "display_name": text, "provider": "acme", "family": "acme"}
        entry |= {"portkey_slug": "acme", "model": f"{name} {text}", "note": text}
        lines.append("[[models]]")
        lines += [
            f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
            for key, value in entry.items()
        ]
        lines += ["is_active = true", "price = { input = 0.1, output = 0.2 }", 'strengths = ["support"]']
        lines += [f"[guardrails.{json.dumps(text, ensure_ascii=False)}]".replace("\x7f", "\\u007f"), 'id = "pc-1"']
    Path("cqtui.toml").write_text("\n".join(lines) + "\n")
    found = look(Choices(session={"provider": "rehearsal", "as_of": AS_OF}))
    async with guarded(size, monkeypatch) as pilot:
        screen = await show_start(pilot, found)
        check(pilot)
        for place in range(11):
            if place in (0, 8, 9) or size[0] == 80:  # those that show names
                await press(pilot, "enter")
                check(pilot)
                await press(pilot, "escape")
                assert pilot.app.screen is screen, place
            await press(pilot, "down")
        screen.query_one("#candidates").focus()
        for _ in range(8 if size[0] == 80 else 1):
            await press(pilot, "w")
            check(pilot)
            await press(pilot, "escape", "down")
            check(pilot)
        await press(pilot, "space", "l")
        check(pilot)


async def test_files_with_hostile_names(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {name: text for name, text in hostile.SHORT.items() if name != "half"}
    for name, text in kinds.items():
        short = text.replace("/", "|").replace("\0", "")
        while len(short.encode()) > 200:
            short = short[:-1]
        Path(f"{name} {short}.jsonl").write_text("this is no log\n")
    Path(b"bytes \xff\xfe.jsonl".decode("utf-8", "surrogateescape")).write_text("this is no log\n")
    async with guarded((80, 24), monkeypatch) as pilot:
        navigation.show_setup(app_of(pilot))
        await until(pilot, SetupScreen)
        await settle(pilot)
        check(pilot)
        for _ in range(len(kinds) + 1):
            await press(pilot, "enter")
            assert on_top(pilot, MessageDialog)
            check(pilot)
            await press(pilot, "escape", "down")
            check(pilot)


@pytest.mark.parametrize("name", ["a [b] *?.jsonl", "漢字 [x.jsonl"])
async def test_a_log_whose_name_looks_like_a_pattern_is_found_again(name: str) -> None:
    write_log(Path(name), 20)
    async with staged() as pilot:
        navigation.show_setup(app_of(pilot))
        await until(pilot, SetupScreen)
        await settle(pilot)
        await press(pilot, "enter", "enter", "enter", "enter")
        start: StartScreen = await until(pilot, StartScreen)
        assert len(start.found.log.read.calls) == 20


async def test_a_log_whose_name_is_no_text_is_said() -> None:
    write_log(Path(b"log \xff.jsonl".decode("utf-8", "surrogateescape")), 20)
    async with guarded((80, 24), pytest.MonkeyPatch()) as pilot:
        navigation.show_setup(app_of(pilot))
        await until(pilot, SetupScreen)
        await settle(pilot)
        await press(pilot, "enter", "enter", "enter", "enter")
        assert on_top(pilot, MessageDialog)
        check(pilot)
        assert not Path("cqtui.toml").exists()
