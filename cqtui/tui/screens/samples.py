"""The sample browser: a run's pairs, and one pair with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.checks.conversation import render_completion
from cqtui.judgements import Judgement, Opinion
from cqtui.models import Completion, Usage
from cqtui.report.filters import money
from cqtui.results import Pair
from cqtui.samples import FoundRefusal
from cqtui.store import samples
from cqtui.store.samples import KeptSample, SampleRow
from cqtui.tui.differences import marked
from cqtui.tui.inert import one_line, shown
from cqtui.tui.page import Page
from cqtui.tui.sample_filters import difference, is_regression, state_words
from cqtui.tui.store_access import read_store
from cqtui.tui.theme import MUTED
from cqtui.tui.widgets.samples_pane import SamplesPane

NOT_KEPT = "[its text is not kept]"
LONGEST_QUOTE = 200


class SamplesScreen(Page):
    """All pairs of a run."""

    PLACE = "samples"
    HELP_TEXT = (
        "Every pair of a logged call and a candidate's answer. Scores are the judge's, 0 to 100, of the logged answer "
        "and of the candidate's. Worst first: refusals, failures and broken formats, then by points lost."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("l", "label", "Label", tooltip="Judge pairs yourself, blind"),
        Binding("u", "again", "Update", tooltip="Read the pairs again while the run goes on"),
    ]

    def __init__(
        self, run_id: str, letters: dict[str, str], *, model_id: str | None = None, record_id: str | None = None
    ) -> None:
        super().__init__()
        self._run_id = run_id
        self._letters = letters
        self._model_id = model_id
        self._record_id = record_id

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield SamplesPane(self._run_id, self._letters, model_id=self._model_id)

    def on_mount(self) -> None:
        """Straight to one pair where one is asked for."""
        self.title_bar.subject = f"run {self._run_id}"
        self.query_one("#pairs").focus()
        if self._record_id is not None and self._model_id is not None:
            row = SampleRow(self._model_id, -1, self._record_id, Pair(record_id=self._record_id))
            self.app.push_screen(SampleScreen(self._run_id, self._letters, [row], 0))

    @on(SamplesPane.Opened)
    def _opened(self, event: SamplesPane.Opened) -> None:
        self.app.push_screen(SampleScreen(self._run_id, self._letters, event.rows, event.place))

    def action_again(self) -> None:
        """Read the pairs again."""
        self.query_one(SamplesPane).read()

    def action_label(self) -> None:
        """Judge pairs yourself."""
        from cqtui.tui.navigation import show_labelling

        show_labelling(self.cqtui, self._run_id, self.query_one(SamplesPane).wanted.model_id)


class SampleScreen(Page):
    """One pair: prompt, both answers side by side, scores, reasoning, costs."""

    PLACE = "sample"
    HELP_TEXT = (
        "Left is the logged answer, right the candidate's; words that only one of them has are underlined. The judge "
        "saw both without names, in the order that is told."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("n", "regression(1)", "Next worse", tooltip="Next pair that is worse, refused or failed"),
        Binding("N", "regression(-1)", "Worse before", show=False, tooltip="The one before"),
        Binding("right", "move(1)", "Next pair", key_display="→", priority=True, tooltip="Next pair of the list"),
        Binding("left", "move(-1)", "Pair before", key_display="←", priority=True, tooltip="The pair before"),
        Binding("y", "copy", "Copy", tooltip="Copy the candidate's answer"),
    ]

    def __init__(self, run_id: str, letters: dict[str, str], rows: Sequence[SampleRow], place: int) -> None:
        super().__init__()
        self._run_id = run_id
        self._letters = letters
        self._rows = rows
        self._place = place
        self._answer = ""

    def body(self) -> Iterable[Widget]:
        """Head, prompt, answers, judge."""
        yield Static(id="head", markup=False)
        with VerticalScroll(id="sample"):
            with Container(id="prompt-panel", classes="panel"):
                yield Static(id="prompt", markup=False)
            with Horizontal(id="answers"):
                with Container(id="logged-panel", classes="panel"):
                    yield Static(id="logged", markup=False)
                with Container(id="answer-panel", classes="panel"):
                    yield Static(id="answer", markup=False)
            with Container(id="judge-panel", classes="panel"):
                yield Static(id="judge", markup=False)
            yield Static(id="notes", markup=False)

    def on_mount(self) -> None:
        """Show the pair."""
        self.query_one("#prompt-panel").border_title = "Prompt"
        self.query_one("#sample").focus()
        self._load()

    def _load(self) -> None:
        row = self._rows[self._place]
        run_id = self._run_id
        read_store(
            self.app,
            lambda c: samples.load_sample(c, run_id, row.model_id, row.record_id),
            lambda kept: self._show(row, kept),
        )

    def _show(self, row: SampleRow, kept: KeptSample | None) -> None:
        if not self.is_running or row is not self._rows[self._place]:
            return
        letter = self._letters.get(row.model_id, "?")
        count = f"pair {self._place + 1} of {len(self._rows)}" if len(self._rows) > 1 else "one pair"
        self.title_bar.subject = f"{letter} {row.model_id} · {count}"
        self.query_one("#answer-panel").border_title = Content(f"Candidate: {letter} {one_line(row.model_id)[:40]}")
        self.query_one("#logged-panel").border_title = "Logged"
        if kept is None:
            self._show_nothing()
            return
        sample = kept.sample
        self.query_one("#head", Static).update(_head(sample.pair))
        self.query_one("#prompt", Static).update(Content(shown(kept.prompt if kept.prompt is not None else NOT_KEPT)))
        logged, answer = _text(sample.logged), _text(sample.answer)
        self._answer = answer
        left, right = marked(shown(logged), shown(answer or (sample.pair.failure_message or "")))
        pair = sample.pair
        opinions = sample.comparison.opinions if sample.comparison is not None else ()
        self.query_one("#logged", Static).update(
            _side(left, sample.logged_usage, pair.baseline_cost_usd, sample.logged_refusal, sample.logged, None)
        )
        self.query_one("#answer", Static).update(
            _side(
                right,
                sample.answer_usage,
                pair.candidate_cost_usd,
                sample.answer_refusal,
                sample.answer,
                pair.latency_ms,
            )
        )
        panel = self.query_one("#judge-panel")
        panel.border_title = "Judge" if opinions else "Decided by a check" if pair.decided_by else "Not judged"
        escalated = sample.comparison.escalated if sample.comparison is not None else None
        self.query_one("#judge", Static).update(_judged(pair, opinions, escalated))
        self.query_one("#notes", Static).update(_notes(pair))
        self.query_one("#sample", VerticalScroll).scroll_home(animate=False)

    def _show_nothing(self) -> None:
        """Say that there is no pair; what was shown of another one goes."""
        self._answer = ""
        for name in ("prompt", "logged", "answer", "judge", "notes"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one("#judge-panel").border_title = "Not judged"
        self.query_one("#head", Static).update("This pair is not kept yet: it may still be under way.")

    def action_move(self, by: int) -> None:
        """Another pair of the list."""
        place = self._place + by
        if 0 <= place < len(self._rows):
            self._place = place
            self._load()

    def action_regression(self, by: int) -> None:
        """The next pair that a person should look at."""
        place = self._place + by
        while 0 <= place < len(self._rows) and not is_regression(self._rows[place].pair):
            place += by
        if 0 <= place < len(self._rows):
            self._place = place
            self._load()
        else:
            self.app.notify("No further pair that is worse.", markup=False)

    def action_copy(self) -> None:
        """Copy the candidate's answer."""
        from cqtui.tui.navigation import copy_text

        copy_text(self.cqtui, self._answer)


def _text(answer: Completion | None) -> str:
    return "" if answer is None else render_completion(answer)


def _head(pair: Pair) -> Content:
    gap = difference(pair)
    words = state_words(pair)
    scores = (
        "no scores"
        if gap is None
        else f"quality {pair.baseline_score:.0f} → {pair.candidate_score:.0f} ({gap:+.0f})".replace("-", "−")
    )
    cost = f"cost {money(pair.baseline_cost_usd)} → {money(pair.candidate_cost_usd)}"
    parts = [f"record {one_line(pair.record_id)[:40]}", scores, cost, *([words] if words else [])]
    return Content(" " + "  ·  ".join(parts))


def _side(
    text: Content,
    usage: Usage,
    cost: object,
    refusal: FoundRefusal | None,
    answer: Completion | None,
    latency_ms: float | None,
) -> Content:
    lines = [
        text if text.plain else Content.styled(NOT_KEPT if answer is None else "[no text]", MUTED),
        Content(""),
    ]
    facts = []
    if usage.output_tokens is not None:
        facts.append(f"{usage.input_tokens or 0:,} in, {usage.output_tokens:,} out")
    if latency_ms is not None:
        facts.append(f"{latency_ms:,.0f} ms")
    if facts:
        lines.append(Content.styled(" · ".join(facts), MUTED))
    if refusal is not None and (refusal.label != "none" or refusal.borderline):
        matched = refusal.matched(answer)
        quoted = f': "{one_line(matched[:LONGEST_QUOTE])}"' if matched else ""
        doubt = ", doubtful" if refusal.borderline else ""
        lines.append(
            Content.styled(f"refusal check: {refusal.label} by {refusal.layer}{doubt}{quoted}", "$text-warning")
        )
    return Content("\n").join(lines)


def _scores(judgement: Judgement) -> str:
    return (
        f"accuracy {judgement.accuracy:.0f}  helpful {judgement.helpfulness:.0f}  "
        f"clear {judgement.clarity:.0f}  complete {judgement.completeness:.0f}"
    )


def _judged(pair: Pair, opinions: Sequence[Opinion], escalated: str | None) -> Content:
    if not opinions:
        if pair.decided_by is not None:
            return Content(f"Decided without a judge: {pair.decided_by}.")
        return Content(state_words(pair).capitalize() or "No judge was asked.")
    lines: list[Content] = []
    for opinion in opinions:
        order = {None: "one answer at a time", True: "saw the candidate first", False: "saw the logged answer first"}
        words = f"{one_line(opinion.judge)}, {order[opinion.candidate_first]}"
        lines.append(Content.styled(words, "bold"))
        lines.append(Content.styled(f"  logged     {_scores(opinion.baseline)}", MUTED))
        lines.append(Content.styled(f"  candidate  {_scores(opinion.candidate)}", MUTED))
        said = dict.fromkeys(text for text in (opinion.baseline.reasoning, opinion.candidate.reasoning) if text)
        lines += [Content(f"  {shown(text, 4000)}") for text in said]
    if pair.in_both_orders is not None:
        one, other = pair.in_both_orders
        agree = "both orders agree" if one * other >= 0 else "the orders disagree"
        lines.append(Content.styled(f"Judged in both orders: {one:+.0f} and {other:+.0f} points; {agree}.", MUTED))
    if escalated is not None:
        lines.append(Content.styled(f"The judges differed, so {one_line(escalated)} decided.", MUTED))
    return Content("\n").join(lines)


def _notes(pair: Pair) -> Content:
    notes = [f"translated: {one_line(words)}" for words in pair.translated]
    notes += [f"dropped: {one_line(words)}" for words in pair.dropped]
    if pair.failure_message:
        notes.append(f"failure: {one_line(pair.failure_message)}")
    return Content.styled("\n".join(f" {note}" for note in notes), MUTED)
