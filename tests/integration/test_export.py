"""Exported configs in the real open-source gateway: who answers, how often, and what it does not take."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cqtui.registry.loader import load_registry
from cqtui.report.export import (
    BEARER_PROVIDERS,
    FALLBACK_STATUS_CODES,
    NOT_IN_OPEN_SOURCE,
    ExportOptions,
    SegmentRoute,
    placeholders,
    portkey_config,
)
from cqtui.results import Recommendation
from cqtui.settings import Settings, parse_settings
from tests.cli.test_commands import cqtui
from tests.fakes import model_entry
from tests.integration.upstream import Upstream
from tests.results import CURRENT, NEW, recommendation, store_run

pytestmark = pytest.mark.gateway
CALLS = 1000
LEVEL = 0.999
OLD_NAME, NEW_NAME = "gpt-5.6-terra", "gpt-5.6-luna"
LUNA = model_entry(NEW, "1", "2")


@dataclass(frozen=True)
class Answer:
    """What came back through the gateway, and which target of the config gave it."""

    status: int
    model: str | None
    target: str | None
    body: dict[str, Any]


async def call(
    session: aiohttp.ClientSession, gateway_url: str, config: object, number: int = 0, **headers: str
) -> Answer:
    """One chat completion that asks for a model that only the config can turn into a real one."""
    body = {"model": "as-configured", "messages": [{"role": "user", "content": f"Question {number}"}]}
    sent = {"x-portkey-config": json.dumps(config), "Authorization": "Bearer sk-caller", **headers}
    async with session.post(f"{gateway_url}/chat/completions", json=body, headers=sent) as response:
        answer = await response.json(content_type=None)
        target = response.headers.get("x-portkey-last-used-option-index")
        return Answer(response.status, answer.get("model"), target, answer)


async def calls(gateway_url: str, config: object, numbers: Iterable[int], **headers: str) -> list[Answer]:
    """Many calls, a few at a time."""
    work = iter(numbers)
    found: list[Answer] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:

        async def worker() -> None:
            found.extend([await call(session, gateway_url, config, number, **headers) for number in work])

        await asyncio.gather(*(worker() for _ in range(12)))
    return found


def settings(upstream: Upstream, more: str = "") -> Settings:
    return parse_settings(f'[gateway]\ncustom_host = "{upstream.base_url}"\n{more}')


def exported(upstream: Upstream, percent: int, result: Recommendation | None = None, more: str = "") -> dict[str, Any]:
    return portkey_config(
        result or recommendation(), settings(upstream, more), ExportOptions(canary_percent=Decimal(percent))
    )


def likely(count: int, of: int, share: float) -> bool:
    """Whether a binomial count lies in the central region that holds at least 99.9%."""
    from scipy.stats import binom

    tail = (1 - LEVEL) / 2
    return bool(binom.ppf(tail, of, share) <= count <= binom.ppf(1 - tail, of, share))


async def test_a_thousand_calls_are_shared_by_the_weights(gateway_url: str, tmp_path: Path) -> None:
    async with Upstream(require_key="sk-caller") as upstream:
        store_run(tmp_path, recommendation())
        (tmp_path / "cqtui.toml").write_text(f'[gateway]\ncustom_host = "{upstream.base_url}"\n', encoding="utf-8")
        done = await asyncio.to_thread(cqtui, "export", "--format", "portkey-config", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found = await calls(gateway_url, json.loads(done.stdout), range(CALLS))
        asked = Counter(request["model"] for request in upstream.requests)
    assert Counter(answer.status for answer in found) == {200: CALLS}
    assert asked.keys() == {OLD_NAME, NEW_NAME}
    assert likely(asked[NEW_NAME], CALLS, 0.05), asked
    assert asked == Counter(answer.model for answer in found)  # nobody fell back
    targets = Counter((answer.model, answer.target) for answer in found)
    assert targets.keys() == {(OLD_NAME, "config.targets[0]"), (NEW_NAME, "config.targets[1].targets[0]")}


@pytest.mark.parametrize(("percent", "model"), [(0, OLD_NAME), (100, NEW_NAME)])
async def test_a_weight_of_nothing_gets_nothing(gateway_url: str, percent: int, model: str) -> None:
    async with Upstream() as upstream:
        found = await calls(gateway_url, exported(upstream, percent), range(60))
    assert {(answer.status, answer.model) for answer in found} == {(200, model)}


@pytest.mark.parametrize("status", FALLBACK_STATUS_CODES)
async def test_the_current_model_answers_where_the_new_one_fails(gateway_url: str, status: int) -> None:
    async with Upstream(faults=f"status model={NEW_NAME} status={status}") as upstream:
        found = await calls(gateway_url, exported(upstream, 100), range(6))
        asked = Counter(request["model"] for request in upstream.requests)
    assert {(a.status, a.model, a.target) for a in found} == {(200, OLD_NAME, "config.targets[1].targets[1]")}
    assert asked == {NEW_NAME: 6, OLD_NAME: 6}


async def test_the_current_model_answers_where_the_new_one_hangs(gateway_url: str) -> None:
    async with Upstream(faults=f"hang model={NEW_NAME}") as upstream:
        config = exported(upstream, 100, more="timeout_s = 0.3\n")
        found = await calls(gateway_url, config, range(4))
    assert {(answer.status, answer.model) for answer in found} == {(200, OLD_NAME)}


async def test_the_current_model_answers_where_nobody_listens(gateway_url: str) -> None:
    async with Upstream() as gone:
        nowhere = gone.base_url
    async with Upstream() as upstream:
        config = exported(upstream, 100)
        config["targets"][1]["targets"][0]["custom_host"] = nowhere
        found = await calls(gateway_url, config, range(4))
    assert {(answer.status, answer.model) for answer in found} == {(200, OLD_NAME)}


async def test_an_answer_that_breaks_off_midway_is_the_gateways_own_failure(gateway_url: str) -> None:
    """The gateway never falls back from an exception of its own; the note says so."""
    async with Upstream(faults=f"reset model={NEW_NAME}") as upstream:
        found = await calls(gateway_url, exported(upstream, 100), range(4))
        asked = Counter(request["model"] for request in upstream.requests)
    assert {(answer.status, answer.model) for answer in found} == {(500, None)}
    assert asked == {NEW_NAME: 4}


async def test_what_the_guardrails_block_stays_blocked(gateway_url: str) -> None:
    rule = 'input_guardrails = [{ "default.regexMatch" = { rule = "Question 7$", not = true }, deny = true }]\n'
    async with Upstream() as upstream:
        result = recommendation(guardrail_set="seven")
        config = exported(upstream, 100, result, f"[guardrails.seven.config]\n{rule}")
        async with aiohttp.ClientSession() as session:
            blocked = await call(session, gateway_url, config, 7)
            passed = await call(session, gateway_url, config, 8)
        asked = [request["model"] for request in upstream.requests]
    assert blocked.status == 446
    assert (passed.status, passed.model) == (200, NEW_NAME)
    assert asked == [NEW_NAME]


async def test_segments_are_told_by_metadata(gateway_url: str) -> None:
    nano = model_entry("openai/gpt-5.4-nano", "1", "2")
    segments = (
        SegmentRoute("summarise", "feature", LUNA),
        SegmentRoute("überblick", "feature", LUNA),
        SegmentRoute("tag", "feature", nano),
        SegmentRoute("legal", "feature", CURRENT),
    )
    options = ExportOptions(canary_percent=Decimal(100), segments=segments)
    expected = {
        '{"feature": "summarise"}': NEW_NAME,
        json.dumps({"feature": "überblick", "_user": "me"}): NEW_NAME,
        '{"feature": "tag"}': "gpt-5.4-nano",
        '{"feature": "legal"}': OLD_NAME,
        '{"feature": "other"}': OLD_NAME,
        '{"feature": "Tag"}': OLD_NAME,
        '{"plan": "tag"}': OLD_NAME,
        "{}": OLD_NAME,
        "not JSON": OLD_NAME,
    }
    async with Upstream(faults="status model=gpt-5.4-nano status=503 share=0.5") as upstream:
        config = portkey_config(recommendation(), settings(upstream), options)
        for metadata, model in expected.items():
            found = await calls(gateway_url, config, range(20), **{"x-portkey-metadata": metadata})
            assert {answer.status for answer in found} == {200}
            names = {answer.model for answer in found}
            # Half of the calls fail at that model: the current one answers them.
            assert names == ({model, OLD_NAME} if model == "gpt-5.4-nano" else {model}), metadata
        without = await calls(gateway_url, config, range(20))
        assert {answer.model for answer in without} == {OLD_NAME}
        half = ExportOptions(canary_percent=Decimal(50), segments=segments)
        config = portkey_config(recommendation(), settings(upstream), half)
        header = {"x-portkey-metadata": '{"feature": "summarise"}'}
        shared = Counter(answer.model for answer in await calls(gateway_url, config, range(200), **header))
    assert likely(shared[NEW_NAME], 200, 0.5), shared


async def test_keys_that_were_filled_in_are_sent(gateway_url: str) -> None:
    async with Upstream(require_key="sk-filled") as upstream:
        config = exported(upstream, 50, recommendation(model_id="mistral-ai/small"))
        text = json.dumps(config)
        for name in placeholders(config):
            text = text.replace(f"${{{name}}}", "sk-filled")
        found = await calls(gateway_url, json.loads(text), range(40))
    assert {(answer.status, answer.model) for answer in found} == {(200, OLD_NAME), (200, "small")}


async def test_the_gateway_knows_every_provider_of_the_registry_but_those_that_are_refused(gateway_url: str) -> None:
    slugs = {entry.portkey_slug for entry in load_registry().entries}
    refused = set()
    async with Upstream() as upstream, aiohttp.ClientSession() as session:
        for slug in sorted(slugs):
            leaf = {"provider": slug, "api_key": "k", "custom_host": upstream.base_url}
            answer = await call(session, gateway_url, {**leaf, "override_params": {"model": "m"}})
            if answer.body.get("message") == "Invalid config passed":
                refused.add(slug)
    assert refused == NOT_IN_OPEN_SOURCE - {"local"}
    assert slugs >= BEARER_PROVIDERS


async def test_what_the_open_source_gateway_does_not_take(gateway_url: str) -> None:
    hosted = portkey_config(recommendation(), Settings(), ExportOptions(target="hosted"))
    async with Upstream() as upstream, aiohttp.ClientSession() as session:
        without_key = {"provider": "openai", "custom_host": upstream.base_url, "forward_headers": ["authorization"]}
        single = {"strategy": {"mode": "single"}, "targets": [without_key]}
        for config in (hosted, single):
            answer = await call(session, gateway_url, config)
            assert (answer.status, answer.body["message"]) == (400, "Invalid config passed")
        assert upstream.requests == []
