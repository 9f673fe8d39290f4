"""Real inference by the embedded model; skipped where the extra or the model is missing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cqtui.errors import BadInputError
from cqtui.gateway.local import LocalServer
from cqtui.gateway.local_models import KNOWN, model_path

SERVED = KNOWN["smollm2"].served_name
ORDER = {
    "type": "object",
    "properties": {"order": {"type": "integer"}, "status": {"enum": ["open", "closed"]}},
    "required": ["order", "status"],
    "additionalProperties": False,
}


@pytest.fixture
def weights() -> Path:
    pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'cqtui[local]'")
    path = model_path("smollm2")
    if path is None:
        pytest.skip("needs the model: cqtui local install smollm2")
    return path


@pytest.fixture
def cut(weights: Path, tmp_path: Path) -> Path:
    path = tmp_path / "cut.gguf"
    path.write_bytes(weights.read_bytes()[:100_000])
    return path


@pytest.fixture
async def base_url(weights: Path) -> AsyncIterator[str]:
    async with LocalServer(weights) as server:
        yield server.base_url


async def ask(base_url: str, text: str, **params: Any) -> dict[str, Any]:
    body = {"model": SERVED, "messages": [{"role": "user", "content": text}], "temperature": 0, **params}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session,
        session.post(f"{base_url}/chat/completions", json=body) as response,
    ):
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


@pytest.mark.local
async def test_a_chat_completion_has_text_usage_and_a_finish_reason(base_url: str) -> None:
    answer = await ask(base_url, "What is the capital of Germany?", max_tokens=60)
    assert answer["model"] == SERVED
    assert "Berlin" in answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 5
    assert 0 < usage["completion_tokens"] <= 60
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.local
async def test_max_tokens_ends_with_length(base_url: str) -> None:
    answer = await ask(base_url, "Write a long story about the sea.", max_tokens=5)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


@pytest.mark.local
async def test_a_json_schema_is_kept(base_url: str) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "order", "strict": True, "schema": ORDER}}
    answer = await ask(base_url, "Order 4711 is open. Give it as JSON.", response_format=schema, max_tokens=60)
    value = json.loads(answer["choices"][0]["message"]["content"])
    assert set(value) == {"order", "status"}
    assert isinstance(value["order"], int)
    assert value["status"] in ("open", "closed")


@pytest.mark.local
async def test_many_calls_at_once_wait_for_the_one_slot(base_url: str) -> None:
    answers = await asyncio.gather(*(ask(base_url, f"Say the number {n}.", max_tokens=4) for n in range(24)))
    assert all(answer["usage"]["completion_tokens"] > 0 for answer in answers)


@pytest.mark.local
async def test_a_prompt_beyond_the_context_is_refused_by_status_400(base_url: str) -> None:
    body = {"model": SERVED, "messages": [{"role": "user", "content": "word " * 9000}], "max_tokens": 5}
    async with aiohttp.ClientSession() as session, session.post(f"{base_url}/chat/completions", json=body) as response:
        assert response.status == 400
        assert "context" in (await response.text()).lower()


@pytest.mark.local
async def test_the_server_stops_even_while_it_answers(weights: Path) -> None:
    async with LocalServer(weights) as server:
        base_url = server.base_url
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/v1")
        running = asyncio.create_task(ask(base_url, "Write a long story about the sea.", max_tokens=2000))
        await asyncio.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{base_url}/models")
    with pytest.raises(RuntimeError):
        _ = server.base_url


@pytest.mark.local
async def test_two_servers_at_once_have_their_own_ports(weights: Path) -> None:
    async with LocalServer(weights) as one, LocalServer(weights, model="other", threads=1) as two:
        assert one.base_url != two.base_url
        async with aiohttp.ClientSession() as session, session.get(f"{two.base_url}/models") as response:
            assert [model["id"] for model in (await response.json())["data"]] == ["other"]


@pytest.mark.local
async def test_a_file_that_is_no_model_is_one_clear_line(
    weights: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(weights.read_bytes()[:100_000])  # noqa: ASYNC240  (a test's own small file)
    with pytest.raises(BadInputError, match=r"cut\.gguf: llama\.cpp cannot load this file"):
        async with LocalServer(cut):
            pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.local
async def test_it_is_quiet(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with LocalServer(weights) as server:
        await ask(server.base_url, "Hello.", max_tokens=5)
    assert capfd.readouterr() == ("", "")
