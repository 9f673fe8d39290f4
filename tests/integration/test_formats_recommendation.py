"""The bundled example's log, written in every format that is read, gives the recommendation that it gives as it is.

The simulated models answer a prompt by what it says and by the answer that was logged to it, whatever else is logged
beside it. So every run here asks the models of the native log's run: a prompt that a format would have changed is
unknown to them and fails. Each run begins with the answers that the native one was given, which are used where the same
request would be sent; so a format that carries the whole of the calls has nothing to send. To be quick, the models
answer at once, and two candidates are raced.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cqtui.engine.connect import price_positions
from cqtui.engine.optimize import log_for, optimize, optimize_async, plan_for
from cqtui.engine.plan import Plan
from cqtui.errors import BadInputError
from cqtui.gateway.portkey import PortkeyClient
from cqtui.gateway.rehearsal import server
from cqtui.gateway.translate import LENGTH_PARAMS
from cqtui.importers import read_logs
from cqtui.importers.formats import IMPORTERS
from cqtui.models import LoggedCall
from cqtui.results import Recommendation
from cqtui.settings import Settings, load_settings
from tests.exporters import EXPORTERS

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "support-desk"

# What the formats lack of a call, or have a value of their own for. "seconds": times are to the second; "limit-name":
# the limit of the output stands under another name, which some candidates are sent as well.
DETAILS = "usage.cached_tokens usage.reasoning_tokens"
COUNTS = f"usage.input_tokens usage.output_tokens {DETAILS}"
MEASURED = "latency_ms cost_usd"
CONTEXT = "session tags metadata"
REQUEST = "params.temperature params.output_limit params.response_format params.tools params.tool_choice"
TEXT = f"provider finish_reason {COUNTS} {MEASURED} {CONTEXT} {REQUEST}"
LANGFUSE = f"finish_reason {DETAILS}"
OTEL = f"id tags metadata cost_usd {DETAILS} params.tool_choice"
VERCEL = f"id tags metadata.service cost_usd {DETAILS} params.response_format"
ANTHROPIC = "provider usage.cache_write_tokens usage.reasoning_tokens params.response_format params.output_limit"
PROMPTFOO = f"time score {CONTEXT} {DETAILS}"
LACKS: dict[str, str] = {
    "native": "",
    "openai_chat": "seconds tags",
    "openai_chat stored completions": f"seconds params.output_limit {MEASURED} session tags",
    "openai_batch": f"seconds {MEASURED} {CONTEXT}",
    "openai_responses": "seconds tags limit-name",
    "openai_finetune": f"id time model {TEXT.replace('params.tools ', '')}",
    "openai_finetune preferences": f"id time model {TEXT.replace('params.tools ', '')} params.parallel_tool_calls",
    "anthropic_messages": f"tags {ANTHROPIC}",
    "anthropic_batch": f"time {MEASURED} {CONTEXT} {ANTHROPIC}",
    "gemini": f"provider tags {DETAILS} limit-name",
    "azure_openai": "seconds provider tags",
    "azure_openai gateway log": f"seconds provider cost_usd {CONTEXT}",
    "portkey": "session tags",
    "portkey bodies": "session tags",
    "portkey log store": "cost_usd session tags",
    "helicone": "tags",
    "helicone table": f"completion finish_reason {DETAILS} {MEASURED} tags",
    "litellm": "session",
    "litellm spend logs": "",
    "litellm spend table": "",
    "langfuse blob": LANGFUSE,
    "langfuse blob table": LANGFUSE,
    "langfuse page": LANGFUSE,
    "langfuse page table": LANGFUSE,
    "langfuse API": f"{LANGFUSE} session tags",
    "langsmith LangChain": "",
    "langsmith wrapped client": "",
    "langsmith bulk": "",
    "braintrust": "",
    "otel_genai": f"{OTEL} params.response_format",
    "otel_genai structured": f"{OTEL} params.response_format",
    "otel_genai span events": f"{OTEL} params.tools",
    "otel_genai log events": f"{OTEL} params.tools",
    "otel_genai OpenLLMetry": f"{OTEL} params.response_format",
    "otel_genai OpenInference": "id cost_usd metadata.service",
    "vercel_ai version 4": VERCEL,
    "vercel_ai version 5": VERCEL,
    "vercel_ai stored chats": TEXT,
    "vercel_ai_ui": f"id model {TEXT}",
    "promptfoo": PROMPTFOO,
    "promptfoo lines": PROMPTFOO,
    "sharegpt": f"time model ids-of-tool-calls {TEXT.replace('params.tools ', '')}",
    "wildchat": f"user tool-calls {TEXT}",
    "csv": f"tool-calls provider finish_reason {DETAILS} tags {REQUEST}",
    "csv in UTF-16 with tabs": f"tool-calls provider finish_reason {DETAILS} tags {REQUEST}",
    "csv of prompts and answers": f"id time model tool-calls {TEXT}",
    "llm_sqlite": "provider finish_reason usage.reasoning_tokens cost_usd tags metadata params.tool_choice",
    "llm_sqlite responses": (
        "name provider finish_reason usage.reasoning_tokens cost_usd tags metadata params.tool_choice more-calls"
    ),
}
# Without one of these, figures move: calls are put in another order, are counted otherwise, or ask for something else.
MOVING = {
    "time",
    "session",
    "messages",
    "completion",
    "usage.input_tokens",
    "tool-calls",
    "more-calls",
    *REQUEST.split(),
}
# Formats whose files hold calls beside those that were exported, and how many.
MORE_CALLS = {"llm_sqlite responses": 6}
WITHOUT_ANSWERS = "helicone table"
USABLE = [name for name in EXPORTERS if name != WITHOUT_ANSWERS]


class Native(NamedTuple):
    """The native log and what came of it."""

    calls: tuple[LoggedCall, ...]
    plan: Plan
    result: Recommendation
    database: Path


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Native]:
    """The example's run, as the command makes it."""
    database = tmp_path_factory.mktemp("native") / "cqtui.db"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MIN_LATENCY_MS", "MAX_LATENCY_MS", "_JUDGE_LATENCY_MS"):
            patch.setattr(server, name, 0.0)
        settings = settings_of("native", EXAMPLE / "logs")
        plan = plan_for(settings, log_for(settings, settings.logs))
        calls = read_logs(EXAMPLE / "logs").calls
        yield Native(calls, plan, optimize(settings, database=database), database)


def settings_of(name: str, logs: Path, **traffic: int) -> Settings:
    """The example's settings for a log in a format; the model is left to the log wherever that names it."""
    overrides: dict[str, Any] = {"provider": "rehearsal", "as_of": date(2026, 11, 25), "n_top": 2}
    overrides["logs"] = (str(logs),)
    # Of calls that are under way at once, chance says which are judged before the evidence suffices.
    overrides["gateway.concurrency"] = 16 if lacks(name) & MOVING else 1
    overrides |= {f"traffic.{key}": value for key, value in traffic.items()}
    settings = load_settings(EXAMPLE / "cqtui.toml", overrides)
    return settings if "model" in lacks(name) else settings.model_copy(update={"current_model": None})


def lacks(name: str) -> set[str]:
    return set(LACKS[name].split())


def exported(name: str, folder: Path) -> Path:
    """A folder with the example's log in a format."""
    folder /= "log"
    folder.mkdir()
    calls = read_logs(EXAMPLE / "logs", hash_identities=False).calls
    for file, content in EXPORTERS[name](calls).items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / file).write_bytes(data)
    return folder


async def recommendation(settings: Settings, native: Native, folder: Path) -> Recommendation:
    """What a log gives where the models of the native log answer."""
    database = Path(shutil.copy(native.database, folder / "store.db"))
    positions = price_positions(native.plan)
    async with server.RehearsalServer(native.plan.calls, positions, seed=settings.seed) as models:
        endpoint = native.result.endpoint
        client = PortkeyClient(api_key=None, base_url=models.base_url, provider="rehearsal", endpoint=endpoint)
        try:
            return await optimize_async(settings, client=client, database=database)
        finally:
            await client.aclose()


def carried(call: LoggedCall, lost: set[str]) -> dict[str, Any]:
    """What a format carries of a call, by name; the limit of the output under one name, whichever it stands under."""
    whole = call.model_dump(exclude={"origin"})
    named: dict[str, Any] = {}
    for name, value in whole.items():
        if name in ("params", "usage", "metadata"):
            named |= {f"{name}.{key}": item for key, item in value.items()}
        else:
            named[name] = value
    for name in LENGTH_PARAMS:
        if f"params.{name}" in named:
            named["params.output_limit"] = named.pop(f"params.{name}")
    if "seconds" in lost and call.time is not None:
        named["time"] = call.time.replace(microsecond=0)
    for said in (*named["messages"], named["completion"] or {}):
        if "name" in lost:
            said.pop("name", None)
        if "ids-of-tool-calls" in lost:
            said.pop("tool_call_id", None)
            for each in said["tool_calls"]:
                del each["id"]
    return {name: value for name, value in named.items() if name not in lost and name.split(".")[0] not in lost}


def in_pairs(calls: Sequence[LoggedCall], native: Native, lost: set[str]) -> Iterator[tuple[LoggedCall, LoggedCall]]:
    """Each call of the native log with the one that was read: by its id, or by its place where it has none."""
    if "id" in lost:
        yield from zip(native.calls, calls, strict=True)
        return
    by_id = {call.id: call for call in calls}
    for call in native.calls:
        yield call, by_id[call.id]


def uses_tools(call: LoggedCall) -> bool:
    """Whether the answer is a tool call, or follows one."""
    answered = call.completion is not None and bool(call.completion.tool_calls)
    return answered or any(said.role == "tool" for said in call.messages)


def test_every_format_is_written_and_known() -> None:
    assert {name.split(" ")[0] for name in EXPORTERS} == {importer.name for importer in IMPORTERS}
    assert list(LACKS) == list(EXPORTERS)


@pytest.mark.parametrize("name", EXPORTERS)
def test_calls_read_back_are_those_that_were_written(name: str, native: Native, tmp_path: Path) -> None:
    found, lost = read_logs(exported(name, tmp_path)), lacks(name)
    assert found.counts == {name.split(" ")[0]: len(native.calls) + MORE_CALLS.get(name, 0)}
    assert found.rejected == ()
    for written, read in in_pairs(found.calls, native, lost):
        if "tool-calls" in lost and uses_tools(written):
            continue
        assert carried(read, lost) == carried(written, lost)


def without_latency(value: Any) -> Any:
    """A result without its measured times."""
    if isinstance(value, dict):
        return {name: without_latency(item) for name, item in value.items() if not name.startswith("latency_")}
    return [without_latency(item) for item in value] if isinstance(value, list) else value


def figures(result: Recommendation, lost: set[str]) -> dict[str, Any]:
    """All of a result but its measured times and its own run, and what comes of what was lost."""
    whole: dict[str, Any] = without_latency(result.model_dump(mode="json"))
    left_out = ["run_id", "at", "seconds", "spend"]
    if "seconds" in lost:
        left_out.append("traffic")  # it says when the first and the last call were
    if lost.intersection(DETAILS.split()):
        left_out += ["same_model", "excluded"]  # what caching and less reasoning would save
    for name in left_out:
        del whole[name]
    if "limit-name" in lost:
        for evidence in (whole["recommended"], whole["closest"], *whole["evidence"]):
            del evidence["ledger"]  # it names the parameters that were translated
    return whole


@pytest.mark.parametrize("name", USABLE)
async def test_the_recommendation_is_the_native_logs(name: str, native: Native, tmp_path: Path) -> None:
    lost, expected = lacks(name), native.result
    stated = {}
    if "usage.input_tokens" in lost:
        # As the model, so the tokens: what the log does not say is stated.
        means = expected.traffic.mean_input_tokens, expected.traffic.mean_output_tokens
        stated = {"avg_input_tokens": round(means[0]), "avg_output_tokens": round(means[1])}
    settings = settings_of(name, exported(name, tmp_path), **stated)
    result = await recommendation(settings, native, tmp_path)
    assert expected.grade == "leaning"
    assert (result.grade, result.current.id) == (expected.grade, expected.current.id)
    assert result.recommended is not None
    assert expected.recommended is not None
    assert result.recommended.candidate.id == expected.recommended.candidate.id
    saving, interval = result.recommended.savings_percent, expected.recommended.savings_percent
    assert saving is not None
    assert interval is not None
    if stated:
        # Means in the place of each call's tokens make the figure less sure, which its own interval says.
        assert saving.low <= interval.value <= saving.high
    else:
        assert interval.low <= saving.value <= interval.high
    if not lost & MOVING:
        assert (result.spend.total_usd == 0) == ("limit-name" not in lost)
        assert figures(result, lost) == figures(expected, lost)


async def test_tokens_that_are_neither_logged_nor_stated_are_estimated(native: Native, tmp_path: Path) -> None:
    result = await recommendation(settings_of("sharegpt", exported("sharegpt", tmp_path)), native, tmp_path)
    assert result.traffic.calls_with_estimated_usage == len(native.calls)
    assert native.result.recommended is not None
    assert result.recommended is not None
    assert (result.grade, result.recommended.candidate.id) == ("leaning", native.result.recommended.candidate.id)
    saving, exact = result.recommended.savings_percent, native.result.recommended.savings_percent
    assert saving is not None
    assert exact is not None
    assert saving.value == pytest.approx(exact.value, abs=0.5)


def test_a_log_without_answers_says_what_is_missing(tmp_path: Path) -> None:
    settings = settings_of(WITHOUT_ANSWERS, exported(WITHOUT_ANSWERS, tmp_path))
    with pytest.raises(BadInputError, match="holds no call with an answer"):
        optimize(settings, database=tmp_path / "cqtui.db")
