"""The rig itself: the chain client, gateway, upstream works, and each option of the upstream does what it says."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from tests.integration.faults import OTHER_MODEL
from tests.integration.npm import require_node
from tests.integration.upstream import SCORES, RunningUpstream, Upstream

MESSAGES = [{"role": "user", "content": "How do I sort a list? My ssn is 123."}]
NO_SSN = {"default.regexMatch": {"rule": "ssn", "not": True}}
JUDGE_PROMPT = "Score it.\n\n[[q1f request]]\nhi\n[[/q1f]]\n\n[[q1f answer]]\n{}\n[[/q1f]]\n\nScore the answer."


async def _post(base_url: str, headers: dict[str, str] | None = None, **params: Any) -> tuple[int, Any, Any]:
    body = {"model": "upstream-small", "messages": MESSAGES, **params}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base_url}/chat/completions", json=body, headers=headers) as response,
    ):
        parsed = await response.json() if response.content_type == "application/json" else await response.text()
        return response.status, parsed, response.headers


def _portkey(upstream: RunningUpstream, **config: Any) -> dict[str, str]:
    target = {"provider": "openai", "api_key": "test-key", "custom_host": upstream.base_url}
    return {"x-portkey-config": json.dumps({**target, **config})}


@pytest.mark.gateway
async def test_the_sdk_reaches_the_upstream_with_the_bare_model_name(
    gateway_url: str, upstream: RunningUpstream
) -> None:
    from portkey_ai import AsyncPortkey

    async with httpx.AsyncClient() as http:
        client = AsyncPortkey(
            api_key="unused",
            base_url=gateway_url,
            provider="openai",
            Authorization="test-key",
            custom_host=upstream.base_url,
            http_client=http,
        )
        completion: Any = await client.chat.completions.create(
            model="upstream-small", messages=MESSAGES, max_tokens=200, timeout=20
        )
    (received,) = upstream.requests()
    assert (received["model"], received["judge"], received["attempt"]) == ("upstream-small", False, 1)
    assert received["params"] == {"max_tokens": 200}
    assert received["portkey_headers"] == []
    _, direct, _ = await _post(upstream.base_url)
    assert completion.choices[0].message.content == direct["choices"][0]["message"]["content"]
    assert completion.usage.prompt_tokens == direct["usage"]["prompt_tokens"] > 0


@pytest.mark.gateway
@pytest.mark.parametrize(("deny", "status", "calls"), [(False, 246, 1), (True, 446, 0)])
async def test_a_failing_input_guardrail(
    gateway_url: str, upstream: RunningUpstream, deny: bool, status: int, calls: int
) -> None:
    got, body, _ = await _post(gateway_url, _portkey(upstream, input_guardrails=[{**NO_SSN, "deny": deny}]))
    assert (got, len(upstream.requests())) == (status, calls)
    assert body["hook_results"]["before_request_hooks"][0]["verdict"] is False
    assert ("choices" in body) is not deny


@pytest.mark.gateway
@pytest.mark.parametrize("upstream", [{"status": 429, "retry_after": "3"}], indirect=True)
async def test_an_error_keeps_its_status_and_retry_after(gateway_url: str, upstream: RunningUpstream) -> None:
    status, body, headers = await _post(gateway_url, _portkey(upstream))
    assert (status, headers["Retry-After"]) == (429, "3")
    assert "openai error" in body["error"]["message"]


@pytest.mark.gateway
def test_the_gateway_listens_on_loopback_alone(gateway_url: str) -> None:
    port = urlsplit(gateway_url).port
    assert port
    # A listener on all interfaces would answer on any 127.x address too.
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_node_a_laptop_skips_and_ci_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(outcome, match="node, npm"):
        require_node("the Portkey gateway")


async def test_answers_depend_on_model_and_messages_alone() -> None:
    async with Upstream() as first, Upstream() as second:
        answers = [
            (await _post(base_url, **params))[1]["choices"][0]["message"]["content"]
            for base_url, params in (
                (first.base_url, {}),
                (second.base_url, {"temperature": 1}),
                (second.base_url, {"model": "upstream-large"}),
            )
        ]
    assert answers[0] == answers[1] != answers[2]


async def test_a_judge_gets_scores_of_the_answer_alone(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    schema = {"type": "json_schema", "json_schema": {"name": "judgement", "schema": {}}}
    verdicts = []
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("a", "Use sorted().", {}),
        ("b", "Use sorted().", {"response_format": schema}),
        ("a", "Use list.sort().", {}),
    ]
    async with Upstream(log=log) as upstream:
        for model, answer, params in requests:
            messages = [{"role": "user", "content": JUDGE_PROMPT.format(answer)}]
            _, body, _ = await _post(upstream.base_url, model=model, messages=messages, **params)
            verdicts.append(json.loads(body["choices"][0]["message"]["content"]))
    assert verdicts[0] == verdicts[1] != verdicts[2]
    assert all(70 <= verdict[name] <= 95 for verdict in verdicts for name in SCORES)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [{name: line[name] for name in upstream.requests[0]} for line in lines] == upstream.requests
    assert [line["judge"] for line in lines] == [True] * 3


async def test_fail_first_counts_attempts_of_one_prompt() -> None:
    async with Upstream(fail_first=2, status=503) as upstream:
        statuses = [(await _post(upstream.base_url))[0] for _ in range(3)]
        statuses.append((await _post(upstream.base_url, model="upstream-large"))[0])
    assert statuses == [503, 503, 200, 503]
    assert [entry["attempt"] for entry in upstream.requests] == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"reject_params": "temperature"}, 400, "unsupported_parameter"),
        ({"require_key": "right"}, 401, "invalid_api_key"),
        ({"status": 500}, 500, None),
    ],
)
async def test_errors_have_openai_s_shape(options: dict[str, Any], status: int, code: str | None) -> None:
    async with Upstream(**options) as upstream:
        got, body, _ = await _post(upstream.base_url, {"Authorization": "Bearer wrong"}, temperature=0)
    assert (got, body["error"]["code"]) == (status, code)


async def test_odd_successes() -> None:
    async with Upstream(html=True) as upstream:
        status, body, headers = await _post(upstream.base_url)
    assert (status, body[:6], headers["Content-Type"]) == (200, "<html>", "text/html; charset=utf-8")
    async with Upstream(no_choices=True, serve_model="other", omit_usage=True) as upstream:
        status, body, _ = await _post(upstream.base_url)
    assert (status, body["choices"], body["model"], "usage" in body) == (200, [], "other", False)


async def test_a_fault_hits_a_share_of_the_prompts_always_the_same_and_only_their_first_attempts() -> None:
    faulty = []
    for _ in range(2):
        async with Upstream(faults="status status=502 share=0.5 first=2") as upstream:
            prompts = [[{"role": "user", "content": f"Question {number}"}] for number in range(20)]
            faulty.append(
                [
                    tuple([(await _post(upstream.base_url, messages=messages))[0] for _ in range(3)])
                    for messages in prompts
                ]
            )
    assert faulty[0] == faulty[1]
    assert set(faulty[0]) == {(200, 200, 200), (502, 502, 200)}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", aiohttp.ClientPayloadError),
        ("reset", aiohttp.ClientError),
        ("malformed", ValueError),
        ("hang", TimeoutError),
        ("stall", TimeoutError),
    ],
)
async def test_a_lost_answer_is_an_error_at_the_client_and_billed(
    tmp_path: Path, fault: str, error: type[Exception]
) -> None:
    async with Upstream(faults=fault, log=tmp_path / "log.jsonl") as upstream:
        with pytest.raises(error):
            async with asyncio.timeout(0.5):
                await _post(upstream.base_url)
    entry = json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8"))
    assert (entry["fault"], entry["billed"]["prompt_tokens"] > 0) == (fault, True)


async def test_faults_of_answers_that_arrive() -> None:
    async with Upstream(faults="wrong_model") as upstream:
        assert (await _post(upstream.base_url))[1]["model"] == OTHER_MODEL
    async with Upstream(faults="no_usage") as upstream:
        assert "usage" not in (await _post(upstream.base_url))[1]
    async with Upstream(faults="quota") as upstream:
        status, body, _ = await _post(upstream.base_url)
        assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    for slow in ("slow", "slow_body"):
        async with Upstream(faults=f"{slow} seconds=0.1") as upstream:
            started = time.monotonic()
            assert (await _post(upstream.base_url))[0] == 200
            assert time.monotonic() - started >= 0.1


async def test_retry_after_in_seconds_and_as_a_date() -> None:
    async with Upstream(faults="rate_limit retry_after=7") as upstream:
        assert (await _post(upstream.base_url))[2]["Retry-After"] == "7"
    async with Upstream(faults="rate_limit retry_after=date:7") as upstream:
        headers = (await _post(upstream.base_url))[2]
        until = parsedate_to_datetime(headers["Retry-After"]).timestamp()
        assert until == upstream.requests[0]["wait_until"] == pytest.approx(time.time() + 6.5, abs=1.5)


@pytest.mark.parametrize("text", ["no_such_kind", "hang no_such_field=1", "hang share=much"])
def test_a_fault_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        Upstream(faults=text)


async def test_models_are_listed() -> None:
    async with (
        Upstream() as upstream,
        aiohttp.ClientSession() as session,
        session.get(f"{upstream.base_url}/models") as response,
    ):
        listed = await response.json()
    assert [model["id"] for model in listed["data"]] == ["upstream-small", "upstream-large"]
