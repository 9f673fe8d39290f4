from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.engine.optimize import optimize_async
from cqtui.errors import BadInputError
from cqtui.models import LoggedCall
from cqtui.report.render import render_markdown, render_summary
from cqtui.report.response import optimize_response
from cqtui.results import CacheTokens, Interval, Recommendation, SameModelSavings
from cqtui.settings import Settings, load_settings, parse_settings
from tests.fakes import ScriptedClient, good_model, logged_call

CACHING = SameModelSavings(
    kind="prompt_caching",
    what="Prompt caching",
    saving_usd=Decimal("4.2"),
    saving_percent=31.24,
    monthly_usd=Decimal("412.4"),
    calls=118,
    left_out=2,
    cache=CacheTokens(input=1_234_567, read=900_000, written=20_000, logged_read=0),
    how="Mark the end of the system prompt with cache_control.",
    notes=("Of 1,234,567 input tokens 900,000 would be read from the cache.",),
)
BATCH = SameModelSavings(kind="batch", what="Batch jobs for nightly", unknown="the batch price is unknown")
EFFORT = SameModelSavings(
    kind="lower_effort",
    what="Reasoning effort low in place of medium",
    options={"reasoning_effort": "low"},
    saving_usd=Decimal("7"),
    saving_percent=52.0,
    is_upper_bound=True,
    calls=120,
    how="Set reasoning_effort to low.",
)
BEFORE_THE_TABLE = "## Without changing the model\n\n**Prompt caching would save about $412.40 a month (31.2%).**\n"


@pytest.fixture
async def leaning(tmp_path: Path) -> Recommendation:
    """A run that recommends a switch which saves about 90%."""
    settings = Settings.model_validate(
        {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), "traffic": {"batch_share": 0.5}}
    )
    calls: list[LoggedCall] = [logged_call(n) for n in range(20)]
    return await optimize_async(settings, calls=calls, client=ScriptedClient(good_model), database=tmp_path / "c.db")


def with_savings(result: Recommendation, *savings: SameModelSavings, **changes: object) -> Recommendation:
    return result.model_copy(update={"same_model": savings, **changes})


def kept(result: Recommendation) -> Recommendation:
    return result.model_copy(update={"grade": "keep", "recommended": None, "impact": None})


def saves(result: Recommendation, percent: float) -> Recommendation:
    assert result.recommended is not None
    figure = Interval(value=percent, low=percent, high=percent)
    return result.model_copy(update={"recommended": result.recommended.model_copy(update={"savings_percent": figure})})


async def test_a_run_computes_them(leaning: Recommendation) -> None:
    assert [saving.kind for saving in leaning.same_model] == ["prompt_caching", "batch", "lower_effort"]
    batch = leaning.same_model[1]
    assert batch.saving_percent == pytest.approx(25.0)
    assert leaning.same_model[2].unknown == "the log does not say how many output tokens were reasoning"
    assert Recommendation.model_validate(leaning.model_dump(mode="json")) == leaning
    found = optimize_response(leaning).same_model[1]
    assert (found.kind, found.saving_percent, found.what) == ("batch", 25.0, "Batch jobs for 50% of the calls")


async def test_a_smaller_saving_gets_a_short_section_after_the_switch(leaning: Recommendation) -> None:
    text = render_markdown(with_savings(leaning, CACHING, BATCH, EFFORT))
    section = text[text.index("## Without changing the model") :]
    assert text.index("## Business impact") < text.index("## Without changing the model")
    assert "**Prompt caching would save" not in text
    assert section.startswith(
        "## Without changing the model\n\n"
        "Computed from the log, not measured; nothing was called for it.\n\n"
        "| what | saves | over the log | a month |\n"
        "|---|--:|--:|--:|\n"
        "| Prompt caching | 31.2% | $4.20 | $412.40 |\n"
        "| Batch jobs for nightly | unknown | unknown | unknown |\n"
        "| Reasoning effort low in place of medium | at most 52.0% | at most $7.00 | unknown |\n\n"
        "Percent of what these calls cost at list price without cache discounts, as everywhere here. These savings do "
        "not simply add up. After a switch to gpt-5.6-luna they would have to be computed anew.\n\n"
        "- **Prompt caching**: Mark the end of the system prompt with cache\\_control. Of 1,234,567 input tokens "
        "900,000 would be read from the cache. Left out, and counted as saving nothing: 2 calls about which the log "
        "does not say enough.\n"
        "- **Batch jobs for nightly**: unknown, since the batch price is unknown.\n"
        "- **Reasoning effort low in place of medium**: Set reasoning\\_effort to low.\n"
    )
    assert "Without changing" not in render_summary(with_savings(leaning, CACHING))


async def test_it_comes_first_where_it_saves_as_much_as_the_switch(leaning: Recommendation) -> None:
    result = with_savings(saves(leaning, 31.0), CACHING, EFFORT)
    text = render_markdown(result)
    assert BEFORE_THE_TABLE in text
    assert text.index("## Without changing the model") < text.index("## Other models") < text.index("## What it rests")
    assert text.count("## Without changing the model") == 1
    assert "Without changing the model, prompt caching would save about $412.40 a month (31.2%)" in render_summary(
        result
    )
    assert with_savings(saves(leaning, 31.3), CACHING).winning_same_model == ()


async def test_it_comes_first_where_the_answer_is_keep(leaning: Recommendation) -> None:
    result = with_savings(kept(leaning), CACHING, BATCH, EFFORT)
    assert result.winning_same_model == (CACHING,)
    assert BEFORE_THE_TABLE in render_markdown(result)
    over_the_log = CACHING.model_copy(update={"monthly_usd": None, "is_upper_bound": True})
    summary = render_summary(with_savings(kept(leaning), over_the_log))
    assert (
        "prompt caching would save at most $4.20 over this log (31.2%): computed from the log, not measured." in summary
    )


async def test_a_bound_nothing_and_the_unknown_do_not_come_first(leaning: Recommendation) -> None:
    at_most = CACHING.model_copy(update={"is_upper_bound": True})
    nothing = CACHING.model_copy(update={"saving_usd": Decimal(0), "saving_percent": 0.0})
    assert with_savings(saves(leaning, 20.0), at_most).winning_same_model == ()
    assert with_savings(kept(leaning), nothing, BATCH, EFFORT).winning_same_model == ()
    retiring = with_savings(kept(leaning), CACHING, forced_switch=True)
    assert retiring.winning_same_model == ()
    assert "After a switch" not in render_markdown(retiring)


async def test_the_report_says_how_to_see_what_batch_jobs_would_save(leaning: Recommendation) -> None:
    hint = "state the share of calls that can wait a day as `batch_share`"
    assert hint in render_markdown(with_savings(leaning, CACHING))
    assert hint not in render_markdown(with_savings(leaning, CACHING, BATCH))
    assert "Without changing the model" not in render_markdown(with_savings(leaning))


def test_what_can_wait_is_stated_in_one_way(tmp_path: Path) -> None:
    assert parse_settings("[traffic]\nbatch_share = 0.4\n").traffic.batch_share == 0.4
    path = tmp_path / "c.toml"
    path.write_text('[traffic]\nbatch_segments = ["nightly"]\n', encoding="utf-8")
    assert load_settings(path).traffic.batch_segments == ("nightly",)
    with pytest.raises(BadInputError, match="give either batch_share or batch_segments"):
        parse_settings('[traffic]\nbatch_share = 0.4\nbatch_segments = ["nightly"]\n')
    with pytest.raises(BadInputError, match=r"batch_share: .*less than or equal to 1"):
        parse_settings("[traffic]\nbatch_share = 40\n")
